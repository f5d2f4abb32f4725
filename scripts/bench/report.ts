import { element, label, svgDocument } from '../../model/shared/svg.ts';

/** A service beside what the same work costs with nothing around it. */
export interface Comparison {
  readonly service: 'was' | 'web';
  readonly workload: string;
  /** Processor time of one request, in milliseconds. */
  readonly cpuMs: { readonly ours: number; readonly bare: number };
  /** The median over rounds of ours to bare; it is steadier than the ratio of the medians. */
  readonly ratio: number;
  /** Answers a second. */
  readonly rate: { readonly ours: number; readonly bare: number };
  /** In MiB. */
  readonly peak: { readonly ours: number; readonly bare: number };
  readonly healthP99Ms: number;
}

const [WIDTH, LEFT, RIGHT, TOP, STEP, BAR] = [760, 210, 70, 60, 36, 18];

/** Bars of the ratios; a line marks the bare service. */
export const comparisonChart = (comparisons: readonly Comparison[]): string => {
  const largest = Math.max(1, ...comparisons.map(({ ratio }) => ratio));
  const x = (ratio: number) => LEFT + (ratio / largest) * (WIDTH - LEFT - RIGHT);
  const bottom = TOP + comparisons.length * STEP;
  const bars = comparisons.flatMap(({ service, workload, ratio }, index) => {
    const middle = TOP + index * STEP + STEP / 2;
    const fill = service === 'was' ? '#2563eb' : '#059669';
    return [
      label(LEFT - 10, middle, `${service}, ${workload}`, { 'text-anchor': 'end' }),
      element('rect', { x: LEFT, y: middle - BAR / 2, width: x(ratio) - LEFT, height: BAR, fill }),
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

const pair = ({ ours, bare }: { ours: number; bare: number }, digits: number) =>
  `${ours.toFixed(digits)} / ${bare.toFixed(digits)}`;

/** A table in Markdown, as the formatter would leave it. */
export const comparisonTable = (comparisons: readonly Comparison[]): string => {
  const rows = [
    [
      'service',
      'photo, clients',
      'CPU ms, ours / bare',
      'ratio',
      'answers a second, ours / bare',
      'peak MiB, ours / bare',
      'p99 of `/health`',
    ],
    ...comparisons.map(({ service, workload, cpuMs, ratio, rate, peak, healthP99Ms }) => [
      `\`${service}\``,
      workload,
      pair(cpuMs, 2),
      `${ratio.toFixed(2)}x`,
      pair(rate, 0),
      pair(peak, 0),
      `${healthP99Ms.toFixed(0)} ms`,
    ]),
  ];
  const [head = [], ...others] = rows.map((row) => `| ${row.join(' | ')} |`);
  return [head, `| ${rows[0]?.map(() => '---').join(' | ')} |`, ...others].join('\n');
};
