import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { cpus } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { z } from 'zod';
import { readPhoto } from '../model/photo/read-photo.ts';
import { positiveNumber } from '../model/shared/text.ts';
import { ENDPOINT } from '../services/contract.ts';
import { Load, type LoadResult, quantile, toForm } from './bench/load.ts';
import { MeasuredProcess, pinLoad } from './bench/measured-process.ts';
import { type Comparison, comparisonChart, comparisonTable } from './bench/report.ts';
import { print, runCommand } from './shared/cli.ts';
import { ROOT } from './shared/paths.ts';

const HEAD = `Usage: npm run bench [-- OPTION...]

Measures the services, as npm run build compiles them, beside the same work with nothing around it, in turns and in one
run: ratios hold on a busy machine too, milliseconds are for orientation. Needs Linux. Writes benchmark.md and a chart.
`;

const options = z.strictObject({
  seconds: positiveNumber.default(3).meta({ value: 'N', description: 'of each measurement (3)' }),
  rounds: positiveNumber.default(5).meta({ value: 'N', description: 'of each pair (5)' }),
  out: z
    .string()
    .default(path.join(ROOT, 'docs'))
    .meta({ value: 'DIR', description: 'where the results are written (docs)' }),
});
type Options = z.infer<typeof options>;

const OVERLOAD = 4;

const median = (values: readonly number[]) =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );

/** A JPEG of coarse noise, which a camera's picture resembles in what it costs. */
const makePhoto = async (width: number, height: number, quality: number): Promise<Buffer> => {
  let state = 1;
  const noise = Buffer.alloc((width / 4) * (height / 4) * 3).map(() => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state >> 16;
  });
  return sharp(noise, { raw: { width: width / 4, height: height / 4, channels: 3 } })
    .resize(width, height, { kernel: 'cubic' })
    .jpeg({ quality })
    .toBuffer();
};

/** A server that takes everything and answers at once: the model behind `was`, or `was` behind `web`. */
const answerAll = async (answer: object): Promise<string> => {
  const body = JSON.stringify(answer);
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    request.resume().on('end', () => response.setHeader('Content-Type', 'application/json').end(body));
  }).listen(0, '127.0.0.1');
  await once(server.unref(), 'listening');
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
};

const labels = Array.from({ length: 16 }, (_, index) => `flower_${index}`);
const prediction = {
  ...{ classes: labels, probabilities: labels.map(() => 1 / 16) },
  ...{ model_version: '1', known_score: 1 },
};

const SERVICES = {
  was: async () => {
    const endpoint = await answerAll({ predictions: [prediction] });
    return {
      ours: { AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: endpoint, ENDPOINT_TIMEOUT_MS: '20000' },
      bare: { ENDPOINT_URL: `${endpoint}/endpoints/${ENDPOINT.name}/invocations` },
      file: 'scripts/bench/bare-was.ts',
    };
  },
  web: async () => {
    const WAS_URL = await answerAll({ result: prediction });
    return { ours: { WAS_URL }, bare: { WAS_URL }, file: 'scripts/bench/bare-pipe.ts' };
  },
} as const;

const startPair = async (service: 'was' | 'web') => {
  const { ours, bare, file } = await SERVICES[service]();
  return {
    ours: await MeasuredProcess.start([`dist/services/${service}/server.js`], ours),
    bare: await MeasuredProcess.start(['--import', 'tsx', file], bare),
  };
};

const succeeded = ({ statuses }: LoadResult) => statuses.get(200) ?? 0;

/** Processor time of one answer, and answers a second. */
const measure = async (process: MeasuredProcess, load: () => Promise<LoadResult>) => {
  const before = process.cpuMs;
  const result = await load();
  const answers = succeeded(result);
  if (answers === 0) throw new Error(`${process.url} answered no photo: ${[...result.statuses]}`);
  return {
    cpuMs: (process.cpuMs - before) / answers,
    rate: answers / result.seconds,
    healthP99Ms: quantile(result.healthTimes, 0.99),
  };
};

const compare = async (
  service: 'was' | 'web',
  [name, photo]: readonly [string, Buffer],
  clients: number,
  { seconds, rounds }: Options,
): Promise<Comparison> => {
  const pair = await startPair(service);
  const runs: { ours: Awaited<ReturnType<typeof measure>>; bare: Awaited<ReturnType<typeof measure>> }[] = [];
  const run = (side: 'ours' | 'bare') =>
    measure(pair[side], () => Load.closed(pair[side].url, toForm(photo), { clients, seconds }));
  // The first round warms up.
  for (let round = 0; round <= rounds; round++)
    runs.push({ bare: await run('bare'), ours: await run('ours') });
  const warm = runs.slice(1);
  const medians = (key: 'cpuMs' | 'rate') => ({
    ours: median(warm.map(({ ours }) => ours[key])),
    bare: median(warm.map(({ bare }) => bare[key])),
  });
  const comparison = {
    ...{ service, workload: `${name}, ${clients}` },
    ...{ cpuMs: medians('cpuMs'), rate: medians('rate') },
    ratio: median(warm.map(({ ours, bare }) => ours.cpuMs / bare.cpuMs)),
    peak: { ours: pair.ours.peakMiB, bare: pair.bare.peakMiB },
    healthP99Ms: Math.max(...warm.map(({ ours }) => ours.healthP99Ms)),
  };
  await Promise.all([pair.ours.stop(), pair.bare.stop()]);
  print(`${service}, ${comparison.workload} clients: ${comparison.ratio.toFixed(2)}x of the bare one`);
  return comparison;
};

/** What `was` makes of more photos than it can answer. */
const overload = async (photo: Buffer, { seconds, rounds }: Options): Promise<string> => {
  const { ours, bare } = await startPair('was');
  await bare.stop();
  const upload = toForm(photo);
  const length = { seconds: seconds * rounds };
  await Load.closed(ours.url, upload, { clients: 32, ...length });
  const best = await Load.closed(ours.url, upload, { clients: 32, ...length });
  const bestRate = succeeded(best) / best.seconds;
  const servingMiB = ours.peakMiB;
  const result = await Load.open(ours.url, upload, { rate: OVERLOAD * bestRate, ...length });
  const goodput = succeeded(result) / result.seconds / bestRate;
  const statuses = [...result.statuses].map(([status, count]) => `${count} x ${status || 'no answer'}`);
  const text = `At ${OVERLOAD} times the rate that it can answer, \`was\` answers ${Math.round(goodput * 100)} % of its best (${statuses.join(', ')}); p99 of \`/health\` is ${quantile(result.healthTimes, 0.99).toFixed(0)} ms, and its peak ${ours.peakMiB.toFixed(0)} MiB after ${servingMiB.toFixed(0)} while all was served.`;
  await ours.stop();
  print(text);
  return text;
};

/** Processor time of the photo contract alone, in milliseconds. */
const timeDecoding = async (photo: Buffer): Promise<number> => {
  const times: number[] = [];
  for (let round = 0; round < 20; round++) {
    const before = process.cpuUsage();
    await readPhoto(photo);
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000);
  }
  return median(times);
};

const run = async (settings: Options): Promise<number> => {
  const build = spawnSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: 'inherit' });
  if (build.status !== 0) return 1;
  const pinning = pinLoad();
  print(`${pinning}\n`);
  const small = ['small', await makePhoto(256, 256, 80)] as const;
  const phone = ['12 megapixels', await makePhoto(4000, 3000, 82)] as const;
  const comparisons: Comparison[] = [];
  for (const service of ['was', 'web'] as const) {
    for (const [photo, clients] of [
      [small, 8],
      [small, 32],
      [phone, 8],
    ] as const)
      comparisons.push(await compare(service, photo, clients, settings));
  }
  const decoding = [];
  for (const [name, photo] of [small, phone])
    decoding.push(
      `${name} (${Math.round(photo.length / 1000)} kB) ${(await timeDecoding(photo)).toFixed(1)} ms`,
    );
  const overloaded = await overload(small[1], settings);
  const chart = path.join(settings.out, 'images', 'benchmark.svg');
  mkdirSync(path.dirname(chart), { recursive: true });
  writeFileSync(chart, comparisonChart(comparisons));
  const text = `# Benchmark

Written by \`npm run bench\`, on Node ${process.version} and ${cpus()[0]?.model}. ${pinning}
Each service is measured in turns with the same work with nothing around it (\`scripts/bench/bare-was.ts\`, \`bare-pipe.ts\`);
a ratio is the median of ${settings.rounds} such pairs. Milliseconds are of this one machine, ratios hold elsewhere too. What is called behind the
services answers at once.

![Processor time of a request, beside the bare service](images/benchmark.svg)

${comparisonTable(comparisons)}

The photo contract alone, which \`was\` and its bare service both do: ${decoding.join(', ')}.

${overloaded}
`;
  writeFileSync(path.join(settings.out, 'benchmark.md'), text);
  print(`\n${text}`);
  return 0;
};

await runCommand({ head: HEAD, options }, run);
