import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { Hono } from 'hono';
import { requestId } from 'hono/request-id';
import { pino } from 'pino';
import sharp from 'sharp';
import { z } from 'zod';
import { readPhoto } from '../model/photo/read-photo.ts';
import { wholeNumber } from '../model/shared/text.ts';
import { ENDPOINT, PATHS } from '../services/contract.ts';
import { type AppEnvironment, accessLog } from '../services/http/app.ts';
import { Metrics } from '../services/http/metrics.ts';
import { traceRoot } from '../services/http/request-id.ts';
import { type LoadOptions, quantile, runLoad } from './bench/load.ts';
import { listen, type MeasuredProcess, PINNING, startMeasured } from './bench/measured-process.ts';
import { type Comparison, comparisonChart, comparisonTable } from './bench/report.ts';
import { print, runCommand } from './shared/cli.ts';
import { ROOT } from './shared/paths.ts';

const HEAD = `Usage: npm run bench [-- OPTION...]

Compares the compiled services with the same work in a minimal server, alternating within one run: ratios are valid even
on a busy machine, milliseconds are rough. Needs Linux. Writes docs/benchmark.md.
`;

const options = z.strictObject({
  seconds: wholeNumber(1).default(3).meta({ value: 'N', description: 'length of each measurement (3)' }),
  rounds: wholeNumber(1).default(5).meta({ value: 'N', description: 'measurements of each pair (5)' }),
});

const OVERLOAD = 4;

const median = (values: readonly number[]) => quantile(values, 0.5);

/** A JPEG of coarse noise, which takes about as long to decode as a camera's picture. */
const makePhoto = (width: number, height: number): Promise<Buffer> => {
  let state = 1;
  const noise = Buffer.alloc((width / 4) * (height / 4) * 3).map(() => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state >> 16;
  });
  return sharp(noise, { raw: { width: width / 4, height: height / 4, channels: 3 } })
    .resize(width, height, { kernel: 'cubic' })
    .jpeg({ quality: 75 })
    .toBuffer();
};

/** A server that answers everything at once, in place of the model behind `was`, or of `was` behind `web`. */
const answerAll = async (answer: object): Promise<string> => {
  const body = JSON.stringify(answer);
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    request.resume().on('end', () => response.setHeader('Content-Type', 'application/json').end(body));
  });
  return `http://127.0.0.1:${await listen(server.unref())}`;
};

const classes = Array.from({ length: 16 }, (_, index) => `flower_${index}`);
const probabilities = classes.map(() => 1 / 16);
const prediction = { classes, probabilities, model_version: '1', known_score: 1 };

/** What the services' images set. */
const IMAGE = {
  was: { NODE_OPTIONS: '--max-semi-space-size=4' },
  web: { NODE_OPTIONS: '--max-semi-space-size=2', MALLOC_TRIM_THRESHOLD_: '33554432' },
};

const startBoth = async (service: 'was' | 'web') => {
  const upstream = await answerAll({ predictions: [prediction] });
  const environment = {
    WAS_URL: upstream,
    AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: upstream,
    ENDPOINT_TIMEOUT_MS: '20000',
    ENDPOINT_URL: `${upstream}/endpoints/${ENDPOINT.name}/invocations`,
  };
  const bare = `scripts/bench/${service === 'was' ? 'bare-was' : 'bare-pipe'}.ts`;
  return {
    ours: await startMeasured([`dist/services/${service}/server.js`], {
      ...environment,
      ...IMAGE[service],
    }),
    bare: await startMeasured(['--import', 'tsx', bare], environment),
  };
};

const measure = async (service: MeasuredProcess, load: LoadOptions) => {
  const before = service.cpuMs();
  const { statuses, seconds, healthTimes } = await runLoad(service.url, load);
  const answers = statuses.get(200) ?? 0;
  return {
    cpuMs: (service.cpuMs() - before) / answers,
    rate: answers / seconds,
    healthP99Ms: quantile(healthTimes, 0.99),
    statuses: [...statuses].map(([status, count]) => `${count} x ${status || 'no answer'}`).join(', '),
  };
};

const compare = async (
  service: 'was' | 'web',
  load: LoadOptions,
  rounds: number,
  workload: string,
): Promise<Comparison> => {
  const both = await startBoth(service);
  const all = [];
  for (let round = 0; round <= rounds; round++)
    all.push({ bare: await measure(both.bare, load), ours: await measure(both.ours, load) });
  // The first round warms up.
  const runs = all.slice(1);
  const medians = (key: 'cpuMs' | 'rate') => ({
    ours: median(runs.map(({ ours }) => ours[key])),
    bare: median(runs.map(({ bare }) => bare[key])),
  });
  const comparison = {
    name: `${service}, ${workload}`,
    cpuMs: medians('cpuMs'),
    rate: medians('rate'),
    ratio: median(runs.map(({ ours, bare }) => ours.cpuMs / bare.cpuMs)),
    peakMiB: { ours: both.ours.peakMiB(), bare: both.bare.peakMiB() },
    healthP99Ms: median(runs.map(({ ours }) => ours.healthP99Ms)),
  };
  await Promise.all([both.ours.stop(), both.bare.stop()]);
  print(`${comparison.name}: ${comparison.ratio.toFixed(2)}x of the bare one`);
  return comparison;
};

/** How `was` behaves under more load than it can handle. */
const overload = async (photo: Buffer, seconds: number): Promise<string> => {
  const { ours, bare } = await startBoth('was');
  await bare.stop();
  const serving = { photo, seconds, pace: { clients: 32 } };
  await measure(ours, serving);
  const best = await measure(ours, serving);
  const servingMiB = ours.peakMiB();
  const more = await measure(ours, { photo, seconds, pace: { rate: OVERLOAD * best.rate } });
  const goodput = Math.round((more.rate / best.rate) * 100);
  const peaks = [servingMiB, ours.peakMiB()].map((peak) => peak.toFixed(0)).join(' to ');
  const text = `at ${OVERLOAD} times its maximum rate, \`was\` answers ${goodput} % of that maximum (${more.statuses}). The p99 of \`/health\` is ${more.healthP99Ms.toFixed(0)} ms. The peak of its memory grows from ${peaks} MiB.`;
  await ours.stop();
  return text;
};

/** CPU time of the photo contract alone. */
const timeDecoding = async (photo: Buffer): Promise<string> => {
  const times: number[] = [];
  for (let round = 0; round < 20; round++) {
    const before = process.cpuUsage();
    await readPhoto(photo);
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000);
  }
  return `${median(times).toFixed(1)} ms for ${Math.round(photo.length / 1000)} kB`;
};

/** Processor time that request id, log line and metrics add to a request, in milliseconds. */
const timeMetrics = async (): Promise<number> => {
  const log = pino({ base: { service: 'bench' } }, pino.destination('/dev/null'));
  const measured = { receive: 1.2, decode: 5.3, invoke: 20.1, photos: 1, unknown: 0, confidence: [0.9] };
  const respond = (app: Hono<AppEnvironment>) =>
    app.post(PATHS.classify, (context) => {
      Object.assign(context.get('measured') ?? {}, { ...measured, modelVersion: '20260101000000' });
      return context.json(prediction);
    });
  const bare = respond(new Hono());
  const metrics = new Metrics({ service: 'bench' });
  const ours = respond(
    new Hono<AppEnvironment>().use(requestId({ generator: traceRoot }), accessLog({ log, metrics })),
  );
  const cpuMs = async (app: Hono<AppEnvironment>, requests = 5000): Promise<number> => {
    const before = process.cpuUsage();
    for (let sent = 0; sent < requests; sent++) await app.request(PATHS.classify, { method: 'POST' });
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000 / requests;
  };
  const rounds: number[] = [];
  // The first warms up.
  for (let round = 0; round < 6; round++) rounds.push((await cpuMs(ours)) - (await cpuMs(bare)));
  return median(rounds.slice(1));
};

const run = async ({ seconds, rounds }: z.infer<typeof options>): Promise<number> => {
  if (spawnSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: 'inherit' }).status !== 0) return 1;
  const [small, phone] = await Promise.all([makePhoto(256, 256), makePhoto(4000, 3000)]);
  const comparisons: Comparison[] = [];
  for (const service of ['was', 'web'] as const) {
    for (const clients of [8, 32]) {
      const load = { photo: small, seconds, pace: { clients } };
      comparisons.push(await compare(service, load, rounds, `small, ${clients} clients`));
    }
    const load = { photo: phone, seconds, pace: { clients: 8 } };
    comparisons.push(await compare(service, load, rounds, '12 MP, 8 clients'));
  }
  const decoding = [await timeDecoding(small), await timeDecoding(phone)].join(', ');
  const text = `# Benchmark

Written by \`npm run bench\` on Node ${process.version}. ${PINNING}

Each service takes turns with a minimal server that does the same work (\`scripts/bench/bare-was.ts\`, \`bare-pipe.ts\`). What
they call answers at once. A ratio is the median of ${rounds} pairs; ratios hold on other machines too, times do not.

![Processor time of a request, beside the bare service](images/benchmark.svg)

${comparisonTable(comparisons)}

With 12 MP the ratio of \`web\` varies most between runs, because the bare pipe keeps its memory in some and has it faulted in
again in others.

- **The photo contract**, which \`was\` shares with its bare server: ${decoding}.
- **Request id, log line and metrics**: ${(await timeMetrics()).toFixed(3)} ms per request.
- **Overload**: ${await overload(small, seconds * rounds)}
`;
  writeFileSync(path.join(ROOT, 'docs/images/benchmark.svg'), comparisonChart(comparisons));
  writeFileSync(path.join(ROOT, 'docs/benchmark.md'), text);
  print(`\n${text}`);
  return 0;
};

await runCommand({ head: HEAD, options }, run);
