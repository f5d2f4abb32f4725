import type { ModelMetrics } from '../evaluation/metrics.ts';
import { jsonText } from '../shared/files.ts';
import { reliabilityDiagram, rocPicture, trainingCurves } from './charts.ts';
import { confusionMatrix } from './confusion-matrix.ts';
import { contactSheet, type Mistake } from './contact-sheet.ts';
import { modelCard } from './model-card.ts';

export interface ReportInput {
  readonly metrics: ModelMetrics;
  /** Misclassified test photos. @default - no contact sheet */
  readonly mistakes?: readonly Mistake[] | undefined;
  /** In-distribution scores for the ROC curves: of the test photos, and of each kind of other pictures. @default none */
  readonly scores?:
    | {
        readonly known: readonly number[];
        readonly kinds: readonly { readonly kind: string; readonly scores: readonly number[] }[];
      }
    | undefined;
}

/** A model's report, by file name: figures for programs, a card and pictures for people. */
export const reportFiles = async ({
  metrics,
  mistakes,
  scores,
}: ReportInput): Promise<Readonly<Record<string, string | Uint8Array>>> => ({
  'metrics.json': jsonText(metrics),
  'MODEL_CARD.md': modelCard(metrics),
  'confusion-matrix.svg': confusionMatrix(metrics.labels, metrics.test.confusion),
  'training-curves.svg': trainingCurves(metrics.history),
  ...(mistakes && { 'mistakes.jpg': await contactSheet(mistakes) }),
  ...(metrics.calibration && { 'reliability.svg': reliabilityDiagram(metrics.calibration) }),
  ...(scores && { 'roc.svg': rocPicture(scores.known, scores.kinds) }),
});
