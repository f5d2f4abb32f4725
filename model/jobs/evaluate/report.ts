import { evaluationReport } from '../../contract/sagemaker-jobs.ts';
import type { Evaluation } from '../../evaluation/evaluate.ts';
import { wilsonInterval } from '../../evaluation/statistics.ts';

export interface EvaluationFigures {
  readonly modelVersion: string;
  readonly labels: readonly string[];
  readonly evaluation: Evaluation;
  /** Test photos that are no longer there. */
  readonly missing: number;
  readonly backend: string;
  readonly seconds: number;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const shareOf = (part: number, whole: number) => (whole === 0 ? null : part / whole);

/** Figures of one class; null where it has no photos, or was never the answer. */
const perClass = (labels: readonly string[], confusion: Evaluation['confusion']) =>
  labels.map((label, index) => {
    const row = confusion[index] ?? [];
    const correct = row[index] ?? 0;
    const answered = sum(confusion.map((counts) => counts[index] ?? 0));
    return {
      label,
      photos: sum(row),
      correct,
      recall: shareOf(correct, sum(row)),
      precision: shareOf(correct, answered),
    };
  });

/** By the names of truth and answer, as SageMaker's model registry shows it ("Model quality metrics"). */
const namedConfusion = (labels: readonly string[], confusion: Evaluation['confusion']) =>
  Object.fromEntries(
    labels.map((truth, row) => [
      truth,
      Object.fromEntries(labels.map((answer, column) => [answer, confusion[row]?.[column] ?? 0])),
    ]),
  );

/** What the pipeline and the model registry read, and beside it what a person wants to know. */
export const detailedReport = ({
  modelVersion,
  labels,
  evaluation,
  missing,
  backend,
  seconds,
}: EvaluationFigures) => {
  const { accuracy, correct, count, loss, confusion } = evaluation;
  const { multiclass_classification_metrics: figures, ...words } = evaluationReport(evaluation);
  return {
    ...words,
    multiclass_classification_metrics: { ...figures, confusion_matrix: namedConfusion(labels, confusion) },
    evaluation: {
      modelVersion,
      labels,
      count,
      correct,
      accuracy,
      /** 95 % Wilson score interval of the accuracy. */
      interval: wilsonInterval(correct, count),
      loss,
      classes: perClass(labels, confusion),
      /** `confusion[truth][answer]` */
      confusion,
      missing,
      backend,
      photosPerSecond: count / seconds,
    },
  };
};
