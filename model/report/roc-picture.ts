import { areaUnderRoc, rocCurve } from '../calibration/roc.ts';
import { element, label, picture } from './svg.ts';

const SIDE = 380;
const [LEFT, TOP] = [60, 50];
const TICKS = [0, 0.25, 0.5, 0.75, 1];

const x = (share: number) => LEFT + share * SIDE;
const y = (share: number) => TOP + (1 - share) * SIDE;

/**
 * The receiver operating characteristic of `known_score` as SVG: test photos of the classes against each kind of other
 * pictures.
 *
 * @param known scores of the test photos
 */
export const rocPicture = (
  known: readonly number[],
  kinds: readonly { readonly kind: string; readonly scores: readonly number[] }[],
): string => {
  const grid = TICKS.flatMap((tick) => [
    element('line', { x1: x(0), x2: x(1), y1: y(tick), y2: y(tick), stroke: '#e5e7eb' }),
    label(LEFT - 20, y(tick), String(tick), { fill: '#555', 'font-size': 11 }),
    label(x(tick), TOP + SIDE + 16, String(tick), { fill: '#555', 'font-size': 11 }),
  ]);
  const curves = kinds.flatMap(({ kind, scores }, index) => {
    const stroke = `hsl(${Math.round((index * 360) / kinds.length)} 65% 45%)`;
    const points = rocCurve(known, scores).map(
      ({ knownKept, unknownKept }) => `${x(unknownKept).toFixed(1)},${y(knownKept).toFixed(1)}`,
    );
    const row = TOP + 14 + index * 20;
    return [
      element('polyline', { points: points.join(' '), fill: 'none', stroke, 'stroke-width': 1.8 }),
      element('rect', { x: LEFT + SIDE + 24, y: row - 2, width: 14, height: 4, fill: stroke }),
      label(LEFT + SIDE + 46, row, `${kind}: ${areaUnderRoc(known, scores).toFixed(3)}`, {
        'text-anchor': 'start',
        'font-size': 12,
      }),
    ];
  });
  const height = Math.max(SIDE, kinds.length * 20) + TOP + 50;
  return picture(LEFT + SIDE + 270, height, 'Photos of the classes against other pictures', [
    ...grid,
    ...curves,
    label(x(0.5), TOP + SIDE + 36, 'share of other pictures that are named', {
      fill: '#555',
      'font-size': 12,
    }),
    label(x(0.5), y(1) - 12, 'share of test photos that are named, by kind with the area below', {
      fill: '#555',
      'font-size': 11,
    }),
  ]);
};
