import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import sharp from 'sharp';
import { problemSchema } from '../contract.ts';
import { startServer } from '../http/server.ts';
import { createWasApp, type WasAppOptions } from './app.ts';

const photo = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } })
  .png()
  .toBuffer();
const classify = async () => ({
  classes: [{ label: 'astilbe', probability: 1 }],
  modelVersion: '1',
  known: true,
});

/** The application service on a real socket, and the messages that it logs. */
const start = async (t: TestContext, options: Partial<WasAppOptions> = {}) => {
  const lines: { level: number; msg: string }[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const { fetch } = createWasApp({ log, classifier: { classify }, ...options });
  const server = await startServer({ fetch, port: 0, hostname: '127.0.0.1', log });
  t.after(() => server.stop(0));
  return { url: server.url, lines };
};

const post = (url: string) =>
  fetch(`${url}/classify/image`, {
    method: 'POST',
    headers: { 'Content-Type': 'image/png' },
    body: new Uint8Array(photo),
  });

/** A client that announces a megabyte, sends a few bytes of it, and stops. */
const stall = async (url: string, bytes: number): Promise<Socket> => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  socket.write(
    'POST /classify/image HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 1000000\r\n\r\n',
  );
  await new Promise((resolve) => socket.write(Buffer.alloc(bytes), resolve));
  return socket;
};

/** Waiting without end fails a test by its time limit. */
const LIMIT = { timeout: 60_000 };
const until = async (condition: () => Promise<boolean> | boolean) => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
};

test('uploads that stall keep no others out', LIMIT, async (t) => {
  const { url } = await start(t, { maxInFlight: 2 });
  const stalled = await Promise.all(Array.from({ length: 8 }, () => stall(url, 10)));
  // As long as they are open, others are answered.
  for (const _ of stalled) assert.equal((await post(url)).status, 200);
  for (const socket of stalled) socket.destroy();
});

test('uploads take no more memory than they may, and release it', LIMIT, async (t) => {
  const { url } = await start(t, { uploadBytes: 100_000 });
  const stalled = await stall(url, 100_000 - photo.byteLength + 1);
  let refused = await post(url);
  await until(async () => {
    if (refused.status === 200) refused = await post(url);
    return refused.status !== 200;
  });
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('Retry-After'), '1');
  assert.equal(problemSchema.parse(await refused.json()).code, 'overloaded');
  stalled.destroy();
  await until(async () => (await post(url)).status === 200);
});

test('an upload that breaks off is not an error of ours', LIMIT, async (t) => {
  const { url, lines } = await start(t);
  (await stall(url, 10)).destroy();
  await until(() => lines.some(({ msg }) => /broke off/.test(msg)));
  assert.ok(lines.every(({ level }) => level < 50));
});
