import { legendEntry } from './legend.ts';
import type { Metrics } from './metrics.ts';
import { element, picture } from './svg.ts';
import { unitSquare } from './unit-square.ts';

type Calibration = NonNullable<Metrics['calibration']>;

const SIDE = 300;
const LEFT = 74;
const TOP = 50;
const BETWEEN = 185;

/** Accuracy over confidence (Niculescu-Mizil & Caruana 2005) as SVG: on the diagonal, the confidence is what it says. */
export const reliabilityDiagram = ({ before, after }: Pick<Calibration, 'before' | 'after'>): string => {
  const axes = { x: 'mean confidence of a bin', y: 'share named rightly' };
  const { x, y, frame, line } = unitSquare(LEFT, TOP, SIDE, axes);
  const curves = [
    { name: `before, error ${(before.error * 100).toFixed(1)} %`, bins: before.bins, colour: '#f59e0b' },
    { name: `after, error ${(after.error * 100).toFixed(1)} %`, bins: after.bins, colour: '#6d28d9' },
  ];
  const drawn = curves.flatMap(({ name, bins, colour }, index) => [
    line({ points: bins.map(({ confidence, accuracy }) => [confidence, accuracy]), colour }),
    ...bins.map(({ confidence, accuracy }) =>
      element('circle', { cx: x(confidence), cy: y(accuracy), r: 4, fill: colour }),
    ),
    ...legendEntry(LEFT + index * BETWEEN, TOP + SIDE + 62, colour, name),
  ]);
  const title = 'Test photos: accuracy over confidence';
  return picture(LEFT + SIDE + 64, TOP + SIDE + 84, title, [...frame, ...drawn]);
};
