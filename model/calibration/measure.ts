import { compare, type Prediction, predictPhotos } from '../evaluation/evaluate.ts';
import type { ModelMetrics } from '../evaluation/metrics.ts';
import {
  areaUnderRoc,
  confidenceBins,
  expectedCalibrationError,
  wilsonInterval,
} from '../evaluation/statistics.ts';
import type { OodPhotos } from '../out-of-distribution/pictures.ts';
import type { GraphRunner } from '../savedmodel/run.ts';
import type { LabelledPhoto } from './observe.ts';

type CalibrationFigures = NonNullable<ModelMetrics['calibration']>;

const confidenceFigures = (photos: readonly LabelledPhoto[], predictions: readonly Prediction[]) => {
  const rows = predictions.map(({ probabilities }) => probabilities);
  const bins = confidenceBins(
    rows.map((probabilities, index) => {
      const confidence = Math.max(...probabilities);
      return { confidence, right: probabilities.indexOf(confidence) === photos[index]?.label };
    }),
  );
  const { loss } = compare(rows, rows[0]?.length ?? 0, photos);
  return { loss, error: expectedCalibrationError(bins), bins };
};

const isKept = ({ knownScore }: Prediction): boolean => knownScore >= 0;

interface MeasureOptions {
  /** That was fitted. */
  readonly temperature: number;
  /** The exported model without and with calibration. */
  readonly plain: GraphRunner;
  readonly calibrated: GraphRunner;
  readonly validation: readonly LabelledPhoto[];
  readonly test: readonly LabelledPhoto[];
  /** What the calibrated model says of the test photos. */
  readonly answers: readonly Prediction[];
  readonly unknown: readonly OodPhotos[];
  /** Aborted, it ends the measurement. */
  readonly signal?: AbortSignal | undefined;
  /** Called with how many more photos are done. */
  readonly onPhotos?: ((count: number) => void) | undefined;
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
  onPhotos,
}: MeasureOptions) => {
  const ask = (runner: GraphRunner, photos: readonly LabelledPhoto[]) => {
    const pixels = photos.map((photo) => photo.pixels);
    return predictPhotos(runner, pixels, signal, onPhotos);
  };
  const before = await ask(plain, test);
  const heldOut = await ask(calibrated, validation);
  const knownScores = after.map(({ knownScore }) => knownScore);
  const kinds: CalibrationFigures['unknown'] = [];
  const unknownScores: { readonly kind: string; readonly scores: readonly number[] }[] = [];
  for (const { kind, source, photos } of unknown) {
    const answers = await predictPhotos(calibrated, photos, signal, onPhotos);
    const scores = answers.map(({ knownScore }) => knownScore);
    const refused = answers.filter((answer) => !isKept(answer)).length;
    kinds.push({ kind, source, count: photos.length, refused, area: areaUnderRoc(knownScores, scores) });
    unknownScores.push({ kind, scores });
  }
  const kept = after.filter(isKept).length;
  const figures: CalibrationFigures = {
    temperature,
    before: confidenceFigures(test, before),
    after: confidenceFigures(test, after),
    validation: { kept: heldOut.filter(isKept).length, count: heldOut.length },
    test: { kept, count: after.length, interval: wilsonInterval(kept, after.length) },
    unknown: kinds,
  };
  return { figures, knownScores, unknownScores };
};
