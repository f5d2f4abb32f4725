import { element, label } from './svg.ts';

const TICKS = [0, 0.25, 0.5, 0.75, 1];
const QUIET = '#555';

/** One curve of shares over shares. */
export interface Curve {
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly colour: string;
}

/** A plot of one share over another, each from 0 to 1, with the diagonal of what is even. */
export const unitSquare = (left: number, top: number, side: number, axes: { x: string; y: string }) => {
  const x = (share: number) => left + share * side;
  const y = (share: number) => top + (1 - share) * side;
  const grid = TICKS.flatMap((tick) => [
    element('line', { x1: x(0), x2: x(1), y1: y(tick), y2: y(tick), stroke: '#e5e7eb' }),
    label(left - 8, y(tick), String(tick), { fill: QUIET, 'font-size': 11, 'text-anchor': 'end' }),
    label(x(tick), top + side + 16, String(tick), { fill: QUIET, 'font-size': 11 }),
  ]);
  const [middle, beside] = [y(0.5), left - 48];
  return {
    x,
    y,
    frame: [
      ...grid,
      element('line', {
        x1: x(0),
        y1: y(0),
        x2: x(1),
        y2: y(1),
        stroke: '#9ca3af',
        'stroke-dasharray': '5 4',
      }),
      label(x(0.5), top + side + 36, axes.x, { fill: QUIET, 'font-size': 12 }),
      label(beside, middle, axes.y, {
        fill: QUIET,
        'font-size': 12,
        transform: `rotate(-90 ${beside} ${middle})`,
      }),
    ],
    line: ({ points, colour }: Curve): string =>
      element('polyline', {
        points: points.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(' '),
        fill: 'none',
        stroke: colour,
        'stroke-width': 2,
      }),
  };
};
