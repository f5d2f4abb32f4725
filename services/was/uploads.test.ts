import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import sharp from 'sharp';
import { MAX_PHOTOS, problemSchema } from '../contract.ts';
import { startServer } from '../http/server.ts';
import { Shedding } from '../http/shedding.ts';
import { createWasApp, refuseEarly } from './app.ts';
import { Decoder } from './decoder.ts';
import { CLASSIFICATION, fakeClassifier } from './fake-classifier.ts';
import { PhotoClassifier, type PhotoClassifierOptions } from './photo-classifier.ts';
import { type Work, WorkQueue } from './queue.ts';
import { Uploads } from './uploads.ts';

const size = { width: 64, height: 64 };
const photo = await sharp({ create: { ...size, channels: 3, background: 'red' } })
  .png()
  .toBuffer();

/** The application service on a real socket, the messages that it logs, and what its requests hold. */
const start = async (t: TestContext, options: Partial<PhotoClassifierOptions> = {}) => {
  const lines: { level: number; msg: string; count?: number }[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const uploads = options.uploads ?? new Uploads({ bytes: 2 ** 27 });
  const invocations = options.invocations ?? new WorkQueue({ slots: 2, paceMs: 1 });
  const decoder = new Decoder({ slots: 1 });
  const limits = { uploads, invocations, decoder };
  const photos = new PhotoClassifier({ classifier: fakeClassifier(), ...options, ...limits });
  const { fetch } = createWasApp({ log, photos });
  const shedding = new Shedding({ check: refuseEarly(photos), log });
  const server = await startServer({ fetch, port: 0, hostname: '127.0.0.1', log, shedding });
  t.after(() => server.stop(0));
  const queues = [decoder.small, decoder.cheap, decoder.costly, invocations];
  const held = () => [
    uploads.count,
    uploads.bytes,
    ...queues.flatMap((queue) => [queue.running, queue.waiting]),
  ];
  return { url: server.url, lines, held, uploads, invocations, decoder };
};

const HEADERS = { 'Content-Type': 'image/png' };
const post = (url: string, headers: Record<string, string> = {}) =>
  fetch(`${url}/classify/image`, {
    method: 'POST',
    headers: { ...HEADERS, ...headers },
    body: new Uint8Array(photo),
  });

const open = async (url: string): Promise<Socket> => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  return socket;
};

const head = (length: number) =>
  `POST /classify/image HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: ${length}\r\n\r\n`;
/** A client that sends a whole photo, and waits. */
const sendPhoto = async (url: string): Promise<Socket> => {
  const socket = await open(url);
  socket.write(Buffer.concat([Buffer.from(head(photo.length)), photo]));
  return socket;
};
/** A client that announces more than it sends. */
const stall = async (url: string, bytes: number, announced = 1_000_000): Promise<Socket> => {
  const socket = await open(url);
  socket.write(head(announced));
  await new Promise((resolve) => socket.write(Buffer.alloc(bytes), resolve));
  return socket;
};

/** Waiting without end fails a test by its time limit. */
const LIMIT = { timeout: 120_000 };
const until = async (condition: () => Promise<boolean> | boolean) => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
};

test(
  'beyond what can be answered in time, photos are refused at a glance, in one line for all',
  LIMIT,
  async (t) => {
    const waiting: (() => void)[] = [];
    const { url, lines } = await start(t, {
      maxWaitMs: 0,
      classifier: { classify: () => new Promise((resolve) => waiting.push(() => resolve([CLASSIFICATION]))) },
    });
    const accepted: ReturnType<typeof post>[] = [];
    for (const taken of [1, 2]) {
      accepted.push(post(url));
      await until(() => waiting.length === taken);
    }
    const headers = { 'X-Request-Id': 'mine', 'Accept-Language': 'ko' };
    for (let refusals = 0; refusals < 3; refusals++) {
      const refused = await post(url, headers);
      assert.match(refused.headers.get('Retry-After') ?? '', /^[1-9]$/);
      assert.equal(refused.headers.get('Connection'), 'keep-alive');
      const { code, requestId, detail } = problemSchema.parse(await refused.json());
      assert.deepEqual([refused.status, code, requestId], [503, 'overloaded', 'mine']);
      assert.match(detail, /[가-힣]/);
    }
    // Who asks before it sends is told not to, and sends something else next, if anything.
    const asking = await open(url);
    asking.write(head(10).replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n'));
    assert.match(String(await once(asking, 'data')), /^HTTP\/1.1 503 .*\r\nConnection: close\r\n/s);
    asking.destroy();
    assert.equal((await fetch(`${url}/health`)).status, 200);
    for (const release of waiting) release();
    for (const response of await Promise.all(accepted)) assert.equal(response.status, 200);
    await until(() => lines.some(({ level }) => level === 40));
    assert.deepEqual(
      lines.flatMap(({ level, count }) => (level === 40 ? [count] : [])),
      [4],
    );
  },
);

test('uploads that stall keep no others out', LIMIT, async (t) => {
  const { url } = await start(t);
  const stalled = await Promise.all(Array.from({ length: 8 }, () => stall(url, 10)));
  // As long as they are open, others are answered.
  for (const _ of stalled) assert.equal((await post(url)).status, 200);
  for (const socket of stalled) socket.destroy();
});

test('uploads take no more memory than they may; one that stalls gives way', LIMIT, async (t) => {
  const { url, uploads } = await start(t, { uploads: new Uploads({ bytes: 100_000 }) });
  const socket = await stall(url, 100_000);
  await until(() => uploads.bytes === 100_000);
  // First it is refused, for the other one may still continue; soon that one is given up.
  const refused = await post(url);
  assert.equal(refused.status, 503);
  assert.match(refused.headers.get('Retry-After') ?? '', /^[1-9]$/);
  assert.equal(problemSchema.parse(await refused.json()).code, 'overloaded');
  await until(async () => (await post(url)).status === 200);
  assert.match(String(await once(socket, 'data')), /^HTTP\/1.1 408 .*"code":"too-slow"/s);
  socket.destroy();
});

test('large uploads leave room for small ones', LIMIT, async (t) => {
  const { url, uploads } = await start(t, { uploads: new Uploads({ bytes: 2_000_000 }) });
  const large = await stall(url, 1_400_000, 1_500_000);
  await until(() => uploads.bytes === 1_400_000);
  const another = await stall(url, 1_400_000, 1_500_000);
  assert.match(String(await once(another, 'data')), /"code":"overloaded"/);
  assert.equal((await post(url)).status, 200);
  for (const socket of [large, another]) socket.destroy();
});

test('an upload that breaks off is not an error of ours', LIMIT, async (t) => {
  const { url, lines } = await start(t);
  (await stall(url, 10)).destroy();
  await until(() => lines.some(({ msg }) => /cut off|closed/.test(msg)));
  assert.ok(lines.every(({ level }) => level < 50));
});

test('when the client of many photos has gone, no more of them are decoded', LIMIT, async (t) => {
  const classify = t.mock.fn(fakeClassifier().classify);
  const { url, held, decoder } = await start(t, { classifier: { classify } });
  const client = new AbortController();
  const begin = decoder.small.do.bind(decoder.small);
  let begun = 0;
  t.mock.method(decoder.small, 'do', ({ run, ...work }: Work<unknown>) => {
    const runSecondWithoutClient = async () => {
      begun += 1;
      if (begun === 2) client.abort();
      await until(() => begun < 2 || work.signal.aborted);
      return run();
    };
    return begin({ ...work, run: runSecondWithoutClient });
  });
  const body = new FormData();
  for (let index = 0; index < MAX_PHOTOS; index++) body.append('files', new Blob([new Uint8Array(photo)]));
  const request = { method: 'POST', body, signal: client.signal };
  await assert.rejects(fetch(`${url}/v1/classifications`, request));
  await until(() => held().every((count) => count === 0));
  assert.deepEqual([begun, classify.mock.callCount()], [2, 0]);
});

test(
  'when the client has gone, a call of the model is given up, and a photo that waits is not sent',
  LIMIT,
  async (t) => {
    const signals: (AbortSignal | undefined)[] = [];
    const classify = (_: unknown, options?: { readonly signal?: AbortSignal }) =>
      new Promise<never>((_resolve, reject) => {
        signals.push(options?.signal);
        options?.signal?.addEventListener('abort', () => reject(new Error('given up')));
      });
    const invocations = new WorkQueue({ slots: 1, paceMs: 1 });
    const { url, held } = await start(t, { classifier: { classify }, invocations });
    const asked = await sendPhoto(url);
    await until(() => signals.length === 1);
    const waits = await sendPhoto(url);
    await until(() => invocations.waiting === 1);
    waits.destroy();
    await until(() => invocations.waiting === 0);
    asked.destroy();
    await until(() => signals[0]?.aborted === true && held().every((count) => count === 0));
    assert.equal(signals.length, 1);
  },
);
