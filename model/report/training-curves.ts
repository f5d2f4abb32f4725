import type { Metrics } from './metrics.ts';
import { element, label, picture } from './svg.ts';

const [WIDTH, HEIGHT] = [760, 360];
const PLOT = { left: 60, right: 20, top: 50, bottom: 70 };
const GRID = [0, 0.2, 0.4, 0.6, 0.8, 1];

const xOf = (index: number, count: number) =>
  PLOT.left + (index / Math.max(1, count - 1)) * (WIDTH - PLOT.left - PLOT.right);
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

/** Accuracy and loss over the epochs as SVG. The loss is divided by its largest value, to share the axis. */
export const trainingCurves = (history: Metrics['history']): string => {
  const losses = history.flatMap(({ trainingLoss, validation }) => [trainingLoss, validation?.loss ?? 0]);
  const largest = Math.max(...losses);
  const curves = [
    {
      name: 'accuracy, validation',
      colour: '#6d28d9',
      values: history.map(({ validation }) => validation?.accuracy),
    },
    {
      name: 'accuracy, training',
      colour: '#c4b5fd',
      values: history.map(({ trainingAccuracy }) => trainingAccuracy),
    },
    {
      name: `loss, training (1 = ${largest.toFixed(2)})`,
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
  const legend = curves.flatMap(({ name, colour }, index) => {
    const x = PLOT.left - 20 + index * 185;
    return [
      element('rect', { x, y: HEIGHT - 24, width: 14, height: 4, fill: colour }),
      label(x + 20, HEIGHT - 22, name, { 'text-anchor': 'start', 'font-size': 12 }),
    ];
  });
  return picture(WIDTH, HEIGHT, `Training over ${history.length} epochs`, [
    ...grid,
    ...curves.map(({ values, colour }) => line(values, colour)),
    ...[...new Set([1, history.length])].map((epoch) =>
      label(xOf(epoch - 1, history.length), HEIGHT - PLOT.bottom + 16, String(epoch), { fill: '#555' }),
    ),
    label(WIDTH / 2, HEIGHT - 48, 'epoch (training: of augmented photos)', { fill: '#555' }),
    ...legend,
  ]);
};
