import type { Learned } from '../learn/learn.ts';
import { confusionMatrix } from './confusion-matrix.ts';
import { contactSheet } from './contact-sheet.ts';
import { modelCard } from './model-card.ts';
import { reliabilityDiagram } from './reliability.ts';
import { rocPicture } from './roc-picture.ts';
import { trainingCurves } from './training-curves.ts';

/** The report of a training, by file name: figures for programs, a card and pictures for people. */
export const reportFiles = async ({
  metrics,
  mistakes,
  scores,
}: Omit<Learned, 'savedModel'>): Promise<Readonly<Record<string, string | Uint8Array>>> => ({
  'metrics.json': `${JSON.stringify(metrics, null, 2)}\n`,
  'MODEL_CARD.md': modelCard(metrics),
  'confusion-matrix.svg': confusionMatrix(metrics.labels, metrics.test.confusion),
  'training-curves.svg': trainingCurves(metrics.history),
  'mistakes.jpg': await contactSheet(mistakes),
  ...(metrics.calibration && { 'reliability.svg': reliabilityDiagram(metrics.calibration) }),
  ...(scores && { 'roc.svg': rocPicture(scores.known, scores.kinds) }),
});
