import { pluralize } from '../shared/text.ts';
import { legendEntry } from './legend.ts';
import type { Metrics } from './metrics.ts';
import { element, label, picture } from './svg.ts';

const [WIDTH, HEIGHT] = [760, 380];
const PLOT = { left: 60, right: 24, top: 50, bottom: 90 };
const GRID = [0, 0.2, 0.4, 0.6, 0.8, 1];
const MOST_TICKS = 12;
const LEGEND_STEP = 175;

/** A single epoch lies in the middle. */
const xOf = (index: number, count: number) =>
  PLOT.left + (count === 1 ? 0.5 : index / (count - 1)) * (WIDTH - PLOT.left - PLOT.right);
const yOf = (share: number) => HEIGHT - PLOT.bottom - share * (HEIGHT - PLOT.top - PLOT.bottom);

const line = (values: readonly (number | undefined)[], stroke: string): string => {
  const points = values.flatMap((value, index) =>
    value === undefined ? [] : [`${xOf(index, values.length).toFixed(1)},${yOf(value).toFixed(1)}`],
  );
  // A single epoch is a point, which a line does not show.
  const marker =
    points.length === 1 ? { 'stroke-linecap': 'round', 'stroke-width': 8 } : { 'stroke-width': 2 };
  const drawn = points.length === 1 ? [...points, ...points] : points;
  return element('polyline', { points: drawn.join(' '), fill: 'none', stroke, ...marker });
};

/** 1, 2, 5, 10, 20, 50, …: the first that needs few ticks. */
const stepOf = (epochs: number): number => {
  for (let power = 1; ; power *= 10) {
    for (const step of [power, 2 * power, 5 * power]) if (epochs / step <= MOST_TICKS) return step;
  }
};

const ticksOf = (epochs: number): number[] => {
  const step = stepOf(epochs);
  const round = Array.from({ length: Math.floor(epochs / step) }, (_, index) => (index + 1) * step);
  return [...new Set([1, ...round])];
};

/** Accuracy and loss over the epochs as SVG. The loss is divided by its largest value, to share the axis. */
export const trainingCurves = (history: Metrics['history']): string => {
  const losses = history.flatMap(({ trainingLoss, validation }) => [trainingLoss, validation?.loss ?? 0]);
  const largest = Math.max(...losses) || 1;
  // What is validated lies over what was trained on.
  const curves = [
    {
      name: 'accuracy, training',
      colour: '#c4b5fd',
      values: history.map(({ trainingAccuracy }) => trainingAccuracy),
    },
    {
      name: 'accuracy, validation',
      colour: '#6d28d9',
      values: history.map(({ validation }) => validation?.accuracy),
    },
    {
      name: 'loss, training',
      colour: '#fcd34d',
      values: history.map(({ trainingLoss }) => trainingLoss / largest),
    },
    {
      name: 'loss, validation',
      colour: '#d97706',
      values: history.map(({ validation }) => validation && validation.loss / largest),
    },
  ].filter(({ values }) => values.some((value) => value !== undefined));
  const grid = GRID.flatMap((share) => [
    element('line', {
      x1: PLOT.left,
      x2: WIDTH - PLOT.right,
      y1: yOf(share),
      y2: yOf(share),
      stroke: '#e5e7eb',
    }),
    label(PLOT.left - 22, yOf(share), share.toFixed(1), { fill: '#555' }),
  ]);
  const epochs = history.length;
  const scale = `epoch (training: of augmented photos; a loss of ${largest.toPrecision(3)} is drawn as 1)`;
  return picture(WIDTH, HEIGHT, `Training over ${pluralize(epochs, 'epoch')}`, [
    ...grid,
    ...curves.map(({ values, colour }) => line(values, colour)),
    ...ticksOf(epochs).map((epoch) =>
      label(xOf(epoch - 1, epochs), HEIGHT - PLOT.bottom + 16, String(epoch), { fill: '#555' }),
    ),
    label(WIDTH / 2, HEIGHT - 50, scale, { fill: '#555', 'font-size': 12 }),
    ...curves.flatMap(({ name, colour }, index) =>
      legendEntry(PLOT.left + index * LEGEND_STEP, HEIGHT - 20, colour, name),
    ),
  ]);
};
