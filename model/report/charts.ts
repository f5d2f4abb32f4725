import type { ModelMetrics } from '../evaluation/metrics.ts';
import { areaUnderRoc, rocCurve } from '../evaluation/statistics.ts';
import { element, label, svgDocument } from '../shared/svg.ts';
import { abridge, pluralize } from '../shared/text.ts';

const SHARES = [0, 0.25, 0.5, 0.75, 1];
const QUIET = { fill: '#555', 'font-size': 12 };
const [LEFT, TOP, BELOW] = [74, 50, 84];

/** A curve over shares, optionally with a marker at each point. */
interface Curve {
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly colour: string;
  readonly name: string;
  readonly mark?: number;
}

interface Plot {
  readonly width: number;
  readonly height: number;
  readonly axes: { readonly x: string; readonly y: string };
  /** Positions on the x axis, from 0 to 1, and their labels. @default shares */
  readonly ticks?: readonly (readonly [place: number, text: string])[];
  readonly curves: readonly Curve[];
  /** Position of a curve's entry in the legend. */
  readonly legend: (index: number) => { readonly x: number; readonly y: number };
}

const plot = ({ width, height, axes, ticks, curves, legend }: Plot): string[] => {
  const x = (share: number) => LEFT + share * width;
  const y = (share: number) => TOP + (1 - share) * height;
  const [middle, beside] = [y(0.5), LEFT - 48];
  const line = (from: readonly [number, number], to: readonly [number, number], look: object) =>
    element('line', { x1: x(from[0]), x2: x(to[0]), y1: y(from[1]), y2: y(to[1]), ...look });
  return [
    ...SHARES.flatMap((share) => [
      line([0, share], [1, share], { stroke: '#e5e7eb' }),
      label(LEFT - 8, y(share), String(share), { ...QUIET, 'text-anchor': 'end' }),
    ]),
    ...(ticks ?? SHARES.map((share) => [share, String(share)] as const)).map(([place, text]) =>
      label(x(place), y(0) + 16, text, QUIET),
    ),
    // The diagonal, if both axes are shares.
    ...(ticks ? [] : [line([0, 0], [1, 1], { stroke: '#9ca3af', 'stroke-dasharray': '5 4' })]),
    label(x(0.5), y(0) + 36, axes.x, QUIET),
    label(beside, middle, axes.y, { ...QUIET, transform: `rotate(-90 ${beside} ${middle})` }),
    ...curves.flatMap(({ points, colour, name, mark }, index) => {
      const entry = legend(index);
      return [
        element('polyline', {
          points: points.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(' '),
          ...{ fill: 'none', stroke: colour, 'stroke-width': 2 },
        }),
        ...(mark ? points : []).map(([a, b]) =>
          element('circle', { cx: x(a), cy: y(b), r: mark ?? 0, fill: colour }),
        ),
        element('rect', { x: entry.x, y: entry.y - 2, width: 14, height: 4, fill: colour }),
        label(entry.x + 20, entry.y, name, { 'text-anchor': 'start', 'font-size': 12 }),
      ];
    }),
  ];
};

const MOST_TICKS = 12;

/** Ticks: 1, and multiples of the first of 1, 2, 5, 10, 20, 50, … that needs only a few. */
const ticksOf = (epochs: number): number[] => {
  const steps = [1, 10, 100, 1000, 10_000].flatMap((power) => [power, 2 * power, 5 * power]);
  const step = steps.find((each) => epochs / each <= MOST_TICKS) ?? epochs;
  const round = Array.from({ length: Math.floor(epochs / step) }, (_, index) => (index + 1) * step);
  return [...new Set([1, ...round])];
};

/** Accuracy and loss over the epochs as SVG. The loss is divided by its maximum, to share the axis. */
export const trainingCurves = (history: ModelMetrics['history']): string => {
  const epochs = history.length;
  const losses = history.flatMap(({ trainingLoss, validation }) => [trainingLoss, validation?.loss ?? 0]);
  const largest = Math.max(...losses) || 1;
  // A single epoch is a point, which a line would not show.
  const placeOf = (index: number) => (epochs === 1 ? 0.5 : index / (epochs - 1));
  const curve = (
    name: string,
    colour: string,
    value: (epoch: (typeof history)[number]) => number | undefined,
  ): Curve => ({
    ...{ name, colour, mark: epochs === 1 ? 4 : 0 },
    points: history.flatMap((epoch, index) => {
      const share = value(epoch);
      return share === undefined ? [] : [[placeOf(index), share] as const];
    }),
  });
  // Validation is drawn on top of training.
  const curves = [
    curve('accuracy, training', '#c4b5fd', ({ trainingAccuracy }) => trainingAccuracy),
    curve('accuracy, validation', '#6d28d9', ({ validation }) => validation?.accuracy),
    curve('loss, training', '#fcd34d', ({ trainingLoss }) => trainingLoss / largest),
    curve('loss, validation', '#d97706', ({ validation }) => validation && validation.loss / largest),
  ].filter(({ points }) => points.length > 0);
  const [width, height] = [662, 240];
  const drawn = plot({
    ...{ width, height, curves },
    axes: {
      x: `epoch (training: of augmented photos; a loss of ${largest.toPrecision(3)} is drawn as 1)`,
      y: '',
    },
    ticks: ticksOf(epochs).map((epoch) => [placeOf(epoch - 1), String(epoch)]),
    legend: (index) => ({ x: LEFT + index * 170, y: TOP + height + 62 }),
  });
  const title = `Training over ${pluralize(epochs, 'epoch')}`;
  return svgDocument(LEFT + width + 24, TOP + height + BELOW, title, drawn);
};

type Calibration = NonNullable<ModelMetrics['calibration']>;

/** Accuracy over confidence (Niculescu-Mizil & Caruana 2005) as SVG: a calibrated model is on the diagonal. */
export const reliabilityDiagram = ({ before, after }: Pick<Calibration, 'before' | 'after'>): string => {
  const side = 300;
  const curve = (when: string, { error, bins }: Calibration['before'], colour: string): Curve => ({
    ...{ name: `${when}, error ${(error * 100).toFixed(1)} %`, colour, mark: 4 },
    points: bins.map(({ confidence, accuracy }) => [confidence, accuracy]),
  });
  const drawn = plot({
    ...{ width: side, height: side },
    axes: { x: 'mean confidence of a bin', y: 'share classified correctly' },
    curves: [curve('before', before, '#f59e0b'), curve('after', after, '#6d28d9')],
    legend: (index) => ({ x: LEFT + index * 185, y: TOP + side + 62 }),
  });
  const title = 'Test photos: accuracy over confidence';
  return svgDocument(LEFT + side + 64, TOP + side + BELOW, title, drawn);
};

/** The legend's width, the length of its longest name, and its line height. */
const [ROOM, LONGEST, LINE] = [310, 28, 20];

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
  const side = 380;
  const legend = LEFT + side + 24;
  const drawn = plot({
    ...{ width: side, height: side },
    axes: { x: 'share of other pictures that are named', y: 'share of test photos that are named' },
    curves: kinds.map(({ kind, scores }, index) => ({
      name: `${abridge(kind, LONGEST)}: ${areaUnderRoc(known, scores).toFixed(3)}`,
      colour: `hsl(${Math.round((index * 360) / kinds.length)} 65% 45%)`,
      points: rocCurve(known, scores).map(({ knownKept, unknownKept }) => [unknownKept, knownKept]),
    })),
    legend: (index) => ({ x: legend, y: TOP + (index + 1.5) * LINE }),
  });
  const height = Math.max(side + 50, (kinds.length + 2) * LINE) + TOP;
  return svgDocument(legend + ROOM, height, 'Photos of the classes against other pictures', [
    ...drawn,
    label(legend, TOP + 6, 'kind: area under its curve', { ...QUIET, 'text-anchor': 'start' }),
  ]);
};
