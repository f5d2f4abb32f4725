import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Handler } from 'hono';
import { pino } from 'pino';
import { z } from 'zod';
import { type AppEnvironment, createApp } from './app.ts';
import { Metrics } from './metrics.ts';
import { ProblemError } from './problem.ts';

/** CloudWatch's Embedded Metric Format, as its specification has it. */
const metric = z.strictObject({ Name: z.string().min(1), Unit: z.enum(['Milliseconds', 'Count', 'None']) });
const directive = z.strictObject({
  Namespace: z.string().min(1).max(1024),
  Dimensions: z.array(z.array(z.string().min(1).max(250)).max(30)).min(1),
  Metrics: z.array(metric).min(1).max(100),
});
const emf = z.looseObject({
  _aws: z.strictObject({ Timestamp: z.int(), CloudWatchMetrics: z.tuple([directive]) }),
});

const recorded = async (handle: Handler<AppEnvironment>) => {
  const text: string[] = [];
  const log = pino({ base: { service: 'app-was' }, timestamp: false }, { write: (line) => text.push(line) });
  const metrics = new Metrics({ service: 'app-was', namespace: 'Bloomstack/dev' });
  const app = createApp({ log, metrics }).get('/', handle);
  await app.request('/?name=secret.jpg', { headers: { 'X-Amzn-Trace-Id': `Self=1-a;Root=${ROOT}` } });
  const line = z.record(z.string(), z.unknown()).parse(JSON.parse(text.at(-1) ?? ''));
  return { line, metrics, text };
};
const ROOT = '1-67891233-abcdef012345678912345678';

test('the log line of a request is in the Embedded Metric Format', async () => {
  const { line, metrics, text } = await recorded((context) => {
    const seen = { receive: 3, decode: 5.5, invoke: 30, photos: 2, unknown: 1, confidence: [0.9] };
    Object.assign(context.get('measured'), seen, { modelVersion: '7' });
    return context.text('ok');
  });
  const { _aws } = emf.parse(line);
  const { Latency, _aws: _, ...rest } = line;
  assert.equal(typeof Latency, 'number');
  const request = { requestId: ROOT, method: 'GET', path: '/', status: 200 };
  assert.deepEqual(rest, {
    ...{ level: 30, service: 'app-was', msg: 'request', ...request },
    ...{ modelVersion: '7', Receive: 3, Decode: 5.5, Invoke: 30, Photos: 2, Unknown: 1, Confidence: [0.9] },
    ...{ ClientErrors: 0, ServerErrors: 0, Shed: 0, InFlight: 1 },
  });
  const [{ Namespace, Dimensions, Metrics: metricList }] = _aws.CloudWatchMetrics;
  assert.deepEqual([Namespace, Dimensions], ['Bloomstack/dev', [['service'], ['service', 'modelVersion']]]);
  for (const { Name } of metricList) assert.ok(Name in line, Name);
  assert.doesNotMatch(text.join(''), /secret\.jpg/);
  const exposition = await (await metrics.text()).text();
  assert.match(exposition, /bloomstack_photos_total\{answer="unknown",service="app-was"\} 1\n/);
  assert.match(exposition, /bloomstack_stage_seconds_sum\{service="app-was",stage="invoke"\} 0\.03\n/);
});

test('a refusal counts under its code, and has no model dimension', async () => {
  for (const [code, clientErrors, serverErrors, shed] of [
    ['overloaded', 0, 1, 1],
    ['endpoint-unavailable', 0, 1, 0],
    ['unreadable', 1, 0, 0],
  ] as const) {
    const { line } = await recorded(() => {
      throw new ProblemError(code, 'No.');
    });
    const { ClientErrors, ServerErrors, Shed, code: logged } = line;
    assert.deepEqual([logged, ClientErrors, ServerErrors, Shed], [code, clientErrors, serverErrors, shed]);
    assert.deepEqual(emf.parse(line)._aws.CloudWatchMetrics[0].Dimensions, [['service']]);
  }
});

test("a request id comes from the load balancer's trace, else from a W3C trace, else is generated in the same form", async () => {
  const app = createApp({ log: pino({ level: 'silent' }) });
  const idFor = async (headers: Record<string, string>) =>
    (await app.request('/', { headers })).headers.get('X-Request-Id');
  assert.equal(await idFor({ 'X-Amzn-Trace-Id': `Root=${ROOT};Sampled=1` }), ROOT);
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  assert.equal(await idFor({ traceparent }), '1-0af76519-16cd43dd8448eb211c80319c');
  const none = { 'X-Amzn-Trace-Id': 'Root=1-x;y', traceparent: `00-${'0'.repeat(32)}-1-01` };
  for (const headers of [{}, none])
    assert.match((await idFor(headers)) ?? '', /^1-[0-9a-f]{8}-[0-9a-f]{24}$/);
});
