import type { Metrics } from './metrics.ts';
import { element, label, picture } from './svg.ts';

type Calibration = NonNullable<Metrics['calibration']>;

const SIDE = 300;
const [LEFT, TOP] = [60, 60];
const TICKS = [0, 0.25, 0.5, 0.75, 1];

const x = (share: number) => LEFT + share * SIDE;
const y = (share: number) => TOP + (1 - share) * SIDE;

/** Accuracy over confidence (Niculescu-Mizil & Caruana 2005) as SVG: on the diagonal, the confidence is what it says. */
export const reliabilityDiagram = ({ before, after }: Pick<Calibration, 'before' | 'after'>): string => {
  const grid = TICKS.flatMap((tick) => [
    element('line', { x1: x(0), x2: x(1), y1: y(tick), y2: y(tick), stroke: '#e5e7eb' }),
    label(LEFT - 22, y(tick), String(tick), { fill: '#555', 'font-size': 11 }),
    label(x(tick), TOP + SIDE + 16, String(tick), { fill: '#555', 'font-size': 11 }),
  ]);
  const curves = [
    { name: `before, error ${(before.error * 100).toFixed(1)} %`, bins: before.bins, colour: '#f59e0b' },
    { name: `after, error ${(after.error * 100).toFixed(1)} %`, bins: after.bins, colour: '#6d28d9' },
  ];
  const drawn = curves.flatMap(({ name, bins, colour }, index) => [
    element('polyline', {
      points: bins
        .map(({ confidence, accuracy }) => `${x(confidence).toFixed(1)},${y(accuracy).toFixed(1)}`)
        .join(' '),
      fill: 'none',
      stroke: colour,
      'stroke-width': 2,
    }),
    ...bins.map(({ confidence, accuracy }) =>
      element('circle', { cx: x(confidence).toFixed(1), cy: y(accuracy).toFixed(1), r: 4, fill: colour }),
    ),
    element('rect', { x: LEFT + index * 160, y: TOP + SIDE + 52, width: 14, height: 4, fill: colour }),
    label(LEFT + 20 + index * 160, TOP + SIDE + 54, name, { 'text-anchor': 'start', 'font-size': 12 }),
  ]);
  return picture(LEFT + SIDE + 40, TOP + SIDE + 76, 'Test photos: accuracy over confidence', [
    ...grid,
    element('line', { x1: x(0), y1: y(0), x2: x(1), y2: y(1), stroke: '#9ca3af', 'stroke-dasharray': '5 4' }),
    label(x(0.5), TOP + SIDE + 34, 'mean confidence of a bin', { fill: '#555', 'font-size': 12 }),
    ...drawn,
  ]);
};
