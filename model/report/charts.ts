import type { ModelMetrics } from '../evaluation/metrics.ts';
import { areaUnderRoc, rocCurve } from '../evaluation/statistics.ts';
import { element, label, svgDocument } from '../shared/svg.ts';
import { abridge, pluralize } from '../shared/text.ts';

const TICKS = [0, 0.25, 0.5, 0.75, 1];
const QUIET = '#555';

/** One curve of shares over shares. */
interface Curve {
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly colour: string;
}

/** A plot of one share over another, each from 0 to 1, with the diagonal of what is even. */
const unitSquare = (left: number, top: number, side: number, axes: { x: string; y: string }) => {
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

/** An entry of a legend: a dash in a curve's colour, and its name. */
const legendEntry = (x: number, y: number, colour: string, name: string): string[] => [
  element('rect', { x, y: y - 2, width: 14, height: 4, fill: colour }),
  label(x + 20, y, name, { 'text-anchor': 'start', 'font-size': 12 }),
];

const [WIDTH, HEIGHT] = [760, 380];
const PLOT = { left: 60, right: 24, top: 50, bottom: 90 };
const GRID = [0, 0.2, 0.4, 0.6, 0.8, 1];
const MOST_TICKS = 12;
const LEGEND_STEP = 175;

/** A single epoch is in the middle. */
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
export const trainingCurves = (history: ModelMetrics['history']): string => {
  const losses = history.flatMap(({ trainingLoss, validation }) => [trainingLoss, validation?.loss ?? 0]);
  const largest = Math.max(...losses) || 1;
  // Validation is drawn over training.
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
  return svgDocument(WIDTH, HEIGHT, `Training over ${pluralize(epochs, 'epoch')}`, [
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

type Calibration = NonNullable<ModelMetrics['calibration']>;

const RELIABILITY_SIDE = 300;
const LEFT = 74;
const TOP = 50;
const BETWEEN = 185;

/** Accuracy over confidence (Niculescu-Mizil & Caruana 2005) as SVG: on the diagonal, the confidence is what it says. */
export const reliabilityDiagram = ({ before, after }: Pick<Calibration, 'before' | 'after'>): string => {
  const axes = { x: 'mean confidence of a bin', y: 'share classified correctly' };
  const { x, y, frame, line } = unitSquare(LEFT, TOP, RELIABILITY_SIDE, axes);
  const curves = [
    { name: `before, error ${(before.error * 100).toFixed(1)} %`, bins: before.bins, colour: '#f59e0b' },
    { name: `after, error ${(after.error * 100).toFixed(1)} %`, bins: after.bins, colour: '#6d28d9' },
  ];
  const drawn = curves.flatMap(({ name, bins, colour }, index) => [
    line({ points: bins.map(({ confidence, accuracy }) => [confidence, accuracy]), colour }),
    ...bins.map(({ confidence, accuracy }) =>
      element('circle', { cx: x(confidence), cy: y(accuracy), r: 4, fill: colour }),
    ),
    ...legendEntry(LEFT + index * BETWEEN, TOP + RELIABILITY_SIDE + 62, colour, name),
  ]);
  const title = 'Test photos: accuracy over confidence';
  return svgDocument(LEFT + RELIABILITY_SIDE + 64, TOP + RELIABILITY_SIDE + 84, title, [...frame, ...drawn]);
};

const ROC_SIDE = 380;
/** Of the legend: its left end, its width, the letters of its longest name, and between its lines. */
const [LEGEND, ROOM, LONGEST, LINE] = [LEFT + ROC_SIDE + 24, 310, 28, 20];
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
  const { frame, line } = unitSquare(LEFT, TOP, ROC_SIDE, AXES);
  const curves = kinds.flatMap(({ kind, scores }, index) => {
    const colour = `hsl(${Math.round((index * 360) / kinds.length)} 65% 45%)`;
    const name = `${abridge(kind, LONGEST)}: ${areaUnderRoc(known, scores).toFixed(3)}`;
    const curve = rocCurve(known, scores);
    return [
      line({ points: curve.map(({ knownKept, unknownKept }) => [unknownKept, knownKept]), colour }),
      ...legendEntry(LEGEND, TOP + (index + 1.5) * LINE, colour, name),
    ];
  });
  const height = Math.max(ROC_SIDE + 50, (kinds.length + 2) * LINE) + TOP;
  return svgDocument(LEGEND + ROOM, height, 'Photos of the classes against other pictures', [
    ...frame,
    ...curves,
    label(LEGEND, TOP + 6, 'kind: area under its curve', {
      'text-anchor': 'start',
      fill: '#555',
      'font-size': 12,
    }),
  ]);
};
