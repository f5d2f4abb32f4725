import { element, label, svgDocument } from '../../model/shared/svg.ts';

/** A figure of a service, and of its minimal reference. */
type Pair = Readonly<Record<'ours' | 'bare', number>>;

export interface Comparison {
  /** Service, photo and number of clients. */
  readonly name: string;
  /** CPU time per request, in milliseconds. */
  readonly cpuMs: Pair;
  /** The median over rounds of ours to bare, which is more stable than the ratio of the medians. */
  readonly ratio: number;
  /** Answers per second. */
  readonly rate: Pair;
  readonly peakMiB: Pair;
  readonly healthP99Ms: number;
}

const [WIDTH, LEFT, RIGHT, TOP, STEP, BAR] = [760, 210, 70, 60, 36, 18];

/** A bar chart of the ratios, with a line at the bare service. */
export const comparisonChart = (comparisons: readonly Comparison[]): string => {
  const largest = Math.max(1, ...comparisons.map(({ ratio }) => ratio));
  const x = (ratio: number) => LEFT + (ratio / largest) * (WIDTH - LEFT - RIGHT);
  const bottom = TOP + comparisons.length * STEP;
  const bars = comparisons.flatMap(({ name, ratio }, index) => {
    const middle = TOP + (index + 0.5) * STEP;
    const bar = { x: LEFT, y: middle - BAR / 2, width: x(ratio) - LEFT, height: BAR, fill: '#2563eb' };
    return [
      label(LEFT - 10, middle, name, { 'text-anchor': 'end' }),
      element('rect', bar),
      label(x(ratio) + 8, middle, `${ratio.toFixed(2)}x`, { 'text-anchor': 'start' }),
    ];
  });
  const floor = { x1: x(1), x2: x(1), y1: TOP - 4, y2: bottom, stroke: '#111', 'stroke-dasharray': '5 4' };
  return svgDocument(WIDTH, bottom + 30, 'Processor time of a request, beside the bare service', [
    ...bars,
    element('line', floor),
    label(x(1), bottom + 14, 'bare', { 'font-size': 11 }),
  ]);
};

const toText = ({ ours, bare }: Pair, digits: number) => `${ours.toFixed(digits)} / ${bare.toFixed(digits)}`;

export const comparisonTable = (comparisons: readonly Comparison[]): string =>
  [
    '| ours / bare | CPU ms a request | ratio | answers a second | peak MiB | p99 of `/health` |',
    '| --- | --- | --- | --- | --- | --- |',
    ...comparisons.map(({ name, cpuMs, ratio, rate, peakMiB, healthP99Ms }) => {
      const figures = [toText(cpuMs, 2), `${ratio.toFixed(2)}x`, toText(rate, 0), toText(peakMiB, 0)];
      return `| ${[name, ...figures].join(' | ')} | ${healthP99Ms.toFixed(0)} ms |`;
    }),
  ].join('\n');
