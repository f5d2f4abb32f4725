import { INPUT_NAME, OUTPUT_NAMES } from '../contract/tensors.ts';
import { confidenceBins, expectedCalibrationError } from '../report/calibration-error.ts';
import { type Metrics, wilsonInterval } from '../report/metrics.ts';
import { areaUnderRoc } from '../report/roc.ts';
import type { GraphRunner, Output } from '../runtime/graph-runner.ts';
import { stopIfAborted } from '../shared/abort.ts';
import type { LabelledPhoto } from './observe.ts';
import type { UnknownPhotos } from './unknown/unknown-photos.ts';

/** What an exported model says of a photo. */
export interface ModelAnswer {
  readonly probabilities: readonly number[];
  readonly knownScore: number;
}

export type CalibrationFigures = NonNullable<Metrics['calibration']>;

const BATCH = 16;

const numbersOf = (output: Output | undefined): readonly number[] => {
  if (!output || !('numbers' in output)) throw new Error('The exported model lacks an output of numbers.');
  return output.numbers;
};

/**
 * Asks an exported model.
 *
 * @throws Stopped when the signal is aborted
 */
export const askModel = async (
  runner: GraphRunner,
  photos: readonly Uint8Array[],
  signal?: AbortSignal,
): Promise<ModelAnswer[]> => {
  const answers: ModelAnswer[] = [];
  for (let start = 0; start < photos.length; start += BATCH) {
    await stopIfAborted(signal, 'while the model was measured');
    const values = photos.slice(start, start + BATCH);
    const outputs = await runner.run(new Map([[INPUT_NAME, { shape: [values.length], values }]]));
    const probabilities = numbersOf(outputs.get(OUTPUT_NAMES.probabilities));
    const width = probabilities.length / values.length;
    const scores = numbersOf(outputs.get(OUTPUT_NAMES.knownScore));
    values.forEach((_, row) => {
      const knownScore = scores[row] ?? Number.NaN;
      answers.push({ probabilities: probabilities.slice(row * width, (row + 1) * width), knownScore });
    });
  }
  return answers;
};

const confidenceFigures = (photos: readonly LabelledPhoto[], answers: readonly ModelAnswer[]) => {
  const bins = confidenceBins(
    answers.map(({ probabilities }, index) => {
      const confidence = Math.max(...probabilities);
      return { confidence, right: probabilities.indexOf(confidence) === photos[index]?.label };
    }),
  );
  const loss = answers.reduce((sum, { probabilities }, index) => {
    const share = probabilities[photos[index]?.label ?? -1] ?? 0;
    return sum - Math.log(Math.max(share, 1e-7));
  }, 0);
  return { loss: loss / answers.length, error: expectedCalibrationError(bins), bins };
};

const isKept = ({ knownScore }: ModelAnswer): boolean => knownScore >= 0;

export interface MeasureOptions {
  /** That was fitted. */
  readonly temperature: number;
  /** The exported model without and with calibration. */
  readonly plain: GraphRunner;
  readonly calibrated: GraphRunner;
  readonly validation: readonly LabelledPhoto[];
  readonly test: readonly LabelledPhoto[];
  /** What the calibrated model says of the test photos. */
  readonly answers: readonly ModelAnswer[];
  readonly unknown: readonly UnknownPhotos[];
  /** Aborted, it ends the measurement. */
  readonly signal?: AbortSignal | undefined;
}

/** Scores behind a curve of the ROC picture. */
export interface KindScores {
  readonly kind: string;
  readonly scores: readonly number[];
}

/** Measures the exported model: is its confidence what it says, and which pictures does it refuse? */
export const measureCalibration = async ({
  temperature,
  plain,
  calibrated,
  validation,
  test,
  answers: after,
  unknown,
  signal,
}: MeasureOptions): Promise<{
  readonly figures: CalibrationFigures;
  readonly knownScores: readonly number[];
  readonly unknownScores: readonly KindScores[];
}> => {
  const ask = (runner: GraphRunner, photos: readonly LabelledPhoto[]) =>
    askModel(
      runner,
      photos.map(({ pixels }) => pixels),
      signal,
    );
  const before = await ask(plain, test);
  const heldOut = await ask(calibrated, validation);
  const knownScores = after.map(({ knownScore }) => knownScore);
  const kinds: CalibrationFigures['unknown'] = [];
  const unknownScores: KindScores[] = [];
  for (const { kind, source, purpose, photos } of unknown) {
    const answers = await askModel(calibrated, photos, signal);
    const scores = answers.map(({ knownScore }) => knownScore);
    const refused = answers.filter((answer) => !isKept(answer)).length;
    kinds.push({
      kind,
      source,
      purpose,
      count: photos.length,
      refused,
      area: areaUnderRoc(knownScores, scores),
    });
    unknownScores.push({ kind, scores });
  }
  const kept = after.filter(isKept).length;
  return {
    figures: {
      temperature,
      before: confidenceFigures(test, before),
      after: confidenceFigures(test, after),
      validation: { kept: heldOut.filter(isKept).length, count: heldOut.length },
      test: { kept, count: after.length, interval: wilsonInterval(kept, after.length) },
      unknown: kinds,
    },
    knownScores,
    unknownScores,
  };
};
