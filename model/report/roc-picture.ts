import { abridge } from '../shared/text.ts';
import { legendEntry } from './legend.ts';
import { areaUnderRoc, rocCurve } from './roc.ts';
import { label, picture } from './svg.ts';
import { unitSquare } from './unit-square.ts';

const SIDE = 380;
const LEFT = 74;
const TOP = 50;
/** Of the legend: its left end, its width, the letters of its longest name, and between its lines. */
const [LEGEND, ROOM, LONGEST, LINE] = [LEFT + SIDE + 24, 310, 28, 20];
const AXES = { x: 'share of other pictures that are named', y: 'share of test photos that are named' };

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
  const { frame, line } = unitSquare(LEFT, TOP, SIDE, AXES);
  const curves = kinds.flatMap(({ kind, scores }, index) => {
    const colour = `hsl(${Math.round((index * 360) / kinds.length)} 65% 45%)`;
    const name = `${abridge(kind, LONGEST)}: ${areaUnderRoc(known, scores).toFixed(3)}`;
    const curve = rocCurve(known, scores);
    return [
      line({ points: curve.map(({ knownKept, unknownKept }) => [unknownKept, knownKept]), colour }),
      ...legendEntry(LEGEND, TOP + (index + 1.5) * LINE, colour, name),
    ];
  });
  const height = Math.max(SIDE + 50, (kinds.length + 2) * LINE) + TOP;
  return picture(LEGEND + ROOM, height, 'Photos of the classes against other pictures', [
    ...frame,
    ...curves,
    label(LEGEND, TOP + 6, 'kind: area under its curve', {
      'text-anchor': 'start',
      fill: '#555',
      'font-size': 12,
    }),
  ]);
};
