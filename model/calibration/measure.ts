import { compare, type Prediction } from '../evaluation/evaluate.ts';
import type { ModelMetrics } from '../evaluation/metrics.ts';
import {
  areaUnderRoc,
  confidenceBins,
  expectedCalibrationError,
  wilsonInterval,
} from '../evaluation/statistics.ts';
import type { OodPhotos } from '../out-of-distribution/pictures.ts';
import type { LabelledPhoto } from './observe.ts';

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
  readonly temperature: number;
  readonly test: readonly LabelledPhoto[];
  /** The exported model's predictions for the test photos, before and after calibration. */
  readonly before: readonly Prediction[];
  readonly after: readonly Prediction[];
  /** The calibrated model's predictions for the validation photos, and for pictures of other things. */
  readonly validation: readonly Prediction[];
  readonly unknown: readonly (Omit<OodPhotos, 'photos'> & { readonly answers: readonly Prediction[] })[];
}

/** Measures whether the exported model's confidence is calibrated, and which pictures it rejects. */
export const measureCalibration = (options: MeasureOptions) => {
  const { temperature, test, before, after, validation, unknown } = options;
  const scoresOf = (answers: readonly Prediction[]) => answers.map(({ knownScore }) => knownScore);
  const known = scoresOf(after);
  const kinds = unknown.map(({ kind, answers }) => ({ kind, scores: scoresOf(answers) }));
  const kept = after.filter(isKept).length;
  const figures: NonNullable<ModelMetrics['calibration']> = {
    temperature,
    before: confidenceFigures(test, before),
    after: confidenceFigures(test, after),
    validation: { kept: validation.filter(isKept).length, count: validation.length },
    test: { kept, count: after.length, interval: wilsonInterval(kept, after.length) },
    unknown: unknown.map(({ kind, source, answers }) => ({
      ...{ kind, source, count: answers.length },
      refused: answers.filter((answer) => !isKept(answer)).length,
      area: areaUnderRoc(known, scoresOf(answers)),
    })),
  };
  return { figures, scores: { known, kinds } };
};
