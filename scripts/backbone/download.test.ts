import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { z } from 'zod';
import { listen } from '../cloud/testing.ts';
import { download } from './download.ts';
import { MODEL } from './testing.ts';

test('the bytes are pluralize as they come', async (t) => {
  const port = await listen(t, (_, response) => response.end(MODEL.content));
  const counts: number[] = [];
  const onProgress = (bytes: number) => counts.push(bytes);
  const content = await download(new URL(`http://127.0.0.1:${port}/`), MODEL, { onProgress });
  assert.deepEqual(content, MODEL.content);
  assert.equal(counts.at(-1), MODEL.bytes);
});

test('a server that falls silent is given up, before its answer or within', async (t) => {
  const port = await listen(t, ({ url }, response) => {
    if (url === '/within') response.writeHead(200).write('{');
  });
  for (const part of ['before', 'within'])
    await assert.rejects(download(new URL(`http://127.0.0.1:${port}/${part}`), MODEL, { silenceMs: 100 }), {
      message: /could not be fetched: nothing was received for 0\.1 s\. .*--from/,
    });
});

test('a connection that breaks off is an error, not a short file', async (t) => {
  const port = await listen(t, (_, response) => {
    response.writeHead(200, { 'content-length': MODEL.bytes });
    response.write('{', () => response.destroy());
  });
  await assert.rejects(download(new URL(`http://127.0.0.1:${port}/`), MODEL), /could not be fetched: /);
});

test('a server that is not there is named with the reason', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = z.object({ port: z.number() }).parse(server.address());
  server.close();
  await assert.rejects(download(new URL(`http://127.0.0.1:${port}/model.json`), MODEL), {
    message: new RegExp(
      `^http://127\\.0\\.0\\.1:${port}/model\\.json could not be fetched: connect ECONNREFUSED .*--from`,
    ),
  });
});

test('an answer that goes on and on is cut short', async (t) => {
  const port = await listen(t, (_, response) => {
    const timer = setInterval(() => response.write('x'.repeat(100)), 1);
    response.on('close', () => clearInterval(timer));
  });
  await assert.rejects(
    download(new URL(`http://127.0.0.1:${port}/`), MODEL),
    /longer than the 15 bytes of model\.json/,
  );
});
