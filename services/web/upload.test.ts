import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { MAX_BODY_BYTES } from '../contract/body-limit.ts';
import { problemSchema } from '../contract/problem.ts';
import { ERROR_LEVEL, recordedLog, startFakeWas, startUpload, startWeb } from './testing.ts';

const MEBIBYTE = 1024 * 1024;

/** Resolves with the request that reaches the WAS. */
const nextRequest = () => {
  let resolve: (request: IncomingMessage) => void = () => {};
  const request = new Promise<IncomingMessage>((resolveWith) => {
    resolve = resolveWith;
  });
  return { request, resolve };
};

test('streams: the WAS reads the beginning before the client sends the end', async (t) => {
  const { request, resolve } = nextRequest();
  const wasUrl = await startFakeWas(t, async (incoming, answer) => {
    resolve(incoming);
    answer.setHeader('Content-Type', 'application/json');
    answer.end(JSON.stringify({ received: await text(incoming) }));
  });
  const { upload, answer } = startUpload(await startWeb(t, { wasUrl }));
  upload.write('beginning');
  const [first] = await once(await request, 'data');
  assert.equal(String(first), 'beginning');
  upload.end('end');
  assert.deepEqual(JSON.parse(await text(await answer)), { received: 'beginningend' });
});

test('hands on the length that the client announced', async (t) => {
  const wasUrl = await startFakeWas(t, async (incoming, answer) => {
    const { length } = await text(incoming);
    answer.end(JSON.stringify({ announced: incoming.headers['content-length'], length }));
  });
  const webUrl = await startWeb(t, { wasUrl });
  const response = await fetch(`${webUrl}/classify/image`, { method: 'POST', body: 'x'.repeat(MEBIBYTE) });
  assert.deepEqual(await response.json(), { announced: String(MEBIBYTE), length: MEBIBYTE });
});

test('stops a body without a length as soon as it is too large, towards the WAS too', async (t) => {
  const { request, resolve } = nextRequest();
  let received = 0;
  const wasUrl = await startFakeWas(t, (incoming) => {
    incoming.on('data', (chunk: Buffer) => {
      received += chunk.byteLength;
    });
    incoming.on('error', () => {});
    incoming.on('close', () => resolve(incoming));
  });
  const { upload, answer } = startUpload(await startWeb(t, { wasUrl }));
  for (let sent = 0; sent <= MAX_BODY_BYTES; sent += MEBIBYTE) upload.write(Buffer.alloc(MEBIBYTE));
  // The upload goes on; the answer does not wait for its end.
  const response = await answer;
  assert.equal(response.statusCode, 413);
  assert.equal(problemSchema.parse(JSON.parse(await text(response))).code, 'too-large');
  assert.equal((await request).complete, false);
  assert.ok(received <= MAX_BODY_BYTES);
  upload.on('error', () => {});
  upload.destroy();
});

test('a client that goes away ends the request to the WAS, and is no error', async (t) => {
  const { log, lines } = recordedLog();
  const arrived = nextRequest();
  const gone = nextRequest();
  const wasUrl = await startFakeWas(t, (incoming) => {
    incoming.once('data', () => arrived.resolve(incoming));
    incoming.on('error', () => {});
    incoming.on('close', () => gone.resolve(incoming));
  });
  const webUrl = await startWeb(t, { log, wasUrl });
  const { upload, answer } = startUpload(webUrl);
  upload.write('beginning');
  await arrived.request;
  upload.destroy();
  await assert.rejects(answer);
  assert.equal((await gone.request).complete, false);
  assert.equal((await fetch(`${webUrl}/health`)).status, 200);
  assert.ok(lines.some(({ status }) => status === 499));
  assert.ok(lines.every(({ level }) => level < ERROR_LEVEL));
});

test('a client that goes away while the WAS thinks ends the request to the WAS, and is no error', async (t) => {
  const { log, lines } = recordedLog();
  const arrived = nextRequest();
  const gone = nextRequest();
  const wasUrl = await startFakeWas(t, (incoming, answer) => {
    incoming.resume().once('end', () => arrived.resolve(incoming));
    answer.on('close', () => gone.resolve(incoming));
  });
  const { upload, answer } = startUpload(await startWeb(t, { log, wasUrl }));
  upload.end('everything');
  await arrived.request;
  upload.destroy();
  await assert.rejects(answer);
  await gone.request;
  assert.ok(lines.every(({ level }) => level < ERROR_LEVEL));
});

test('a WAS that does not read is not waited for', async (t) => {
  const wasUrl = await startFakeWas(t, (incoming) => incoming.pause());
  const { upload, answer } = startUpload(await startWeb(t, { wasUrl, classifyPatience: 30 }));
  upload.write(Buffer.alloc(MAX_BODY_BYTES - MEBIBYTE));
  const response = await answer;
  assert.equal(response.statusCode, 503);
  upload.on('error', () => {});
  upload.destroy();
});
