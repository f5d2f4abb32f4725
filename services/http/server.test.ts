import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import { Hono } from 'hono';
import { pino } from 'pino';
import { problemSchema } from '../contract.ts';
import { refuseUnreadable } from './refusals.ts';
import { startServer } from './server.ts';

const log = pino({ level: 'silent' });
const serve = (app: Hono, port = 0) => startServer({ fetch: app.fetch, port, hostname: '127.0.0.1', log });

test('a busy port is an error that names the variable that moves it', async () => {
  const first = await serve(new Hono());
  const port = Number(new URL(first.url).port);
  await assert.rejects(
    serve(new Hono(), port),
    new RegExp(`^Error: Port ${port} is already in use.* PORT\\.$`),
  );
  await first.stop(0);
});

test('an idle connection does not keep it from stopping', async () => {
  const server = await serve(new Hono().get('/', (context) => context.text('hello')));
  assert.equal(await (await fetch(server.url)).text(), 'hello');
  await server.stop(60_000);
  await assert.rejects(fetch(server.url));
});

test('what is in flight is answered before it stops, and the connection is closed', async () => {
  let release = () => {};
  let arrived = () => {};
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const app = new Hono().get('/', async (context) => {
    arrived();
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return context.text('late, but here');
  });
  const server = await serve(app);
  const pending = fetch(server.url);
  await arrival;
  const stopped = server.stop(60_000);
  release();
  const response = await pending;
  assert.equal(response.headers.get('Connection'), 'close');
  assert.equal(await response.text(), 'late, but here');
  await stopped;
});

test('a client that never finishes is cut off after the grace period', async () => {
  const server = await serve(new Hono().post('/', async (context) => context.text(await context.req.text())));
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf');
  // Newer releases of Node reset the connection.
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await server.stop(100);
  await closed;
});

test('for a lame-duck time, new and kept connections are served and asked to close', async () => {
  const server = await serve(new Hono().get('/', (context) => context.text('hello')));
  assert.equal((await fetch(server.url)).headers.get('Connection'), 'keep-alive');
  const stopped = server.stop(60_000, 2_000);
  const kept = await fetch(server.url);
  const another = await sendBytes(server.url, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.equal(kept.headers.get('Connection'), 'close');
  assert.match(another.head, /\r\nconnection: close/i);
  await stopped;
  await assert.rejects(fetch(server.url));
});

/** The answer to bytes on a socket. */
const sendBytes = async (url: string, request: string): Promise<{ head: string; body: string }> => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').setEncoding('latin1');
  socket.write(request);
  let text = '';
  for await (const chunk of socket) text += chunk;
  const [head = '', body = ''] = text.split('\r\n\r\n');
  return { head, body };
};

const close = 'Connection: close\r\n\r\n';
const get = 'GET / HTTP/1.1\r\nHost: x\r\n';
const post = 'POST / HTTP/1.1\r\nHost: x\r\n';
const coding = 'Transfer-Encoding:';
const refused: Record<string, [request: string, status?: number, code?: string]> = {
  'bytes that are not HTTP': ['hello\r\n\r\n'],
  'a wrong method': ['FOO / HTTP/1.1\r\nHost: x\r\n\r\n'],
  'no Host': [`GET / HTTP/1.1\r\n${close}`],
  'a malformed Host': [`GET / HTTP/1.1\r\nHost: a b\r\n${close}`],
  'two Hosts': [`${get}host: x\r\n${close}`],
  'two Hosts in HTTP/1.0': [`GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n${close}`],
  'two lengths': [`${post}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`],
  'a transfer coding in HTTP/1.0': [`POST / HTTP/1.0\r\n${coding} chunked\r\n${close}0\r\n\r\n`],
  'a transfer coding after chunked': [`${post}${coding} chunked, gzip\r\n${close}`],
  'an unknown transfer coding': [
    `${post}${coding} gzip, chunked\r\n${close}0\r\n\r\n`,
    501,
    'unsupported-transfer-coding',
  ],
  'an unknown transfer coding, and no chunks after it': [
    `${post}${coding} gzip, chunked\r\n\r\nno chunk\r\n`,
    501,
    'unsupported-transfer-coding',
  ],
  'too long headers': [`${get}X: ${'x'.repeat(17_000)}\r\n\r\n`, 431, 'headers-too-large'],
  'an unknown expectation': [
    `${post}Expect: tea\r\nContent-Length: 0\r\n${close}`,
    417,
    'expectation-failed',
  ],
  'a tunnel': ['CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n', 405, 'method-not-allowed'],
};
for (const [name, [request, status = 400, code = 'malformed-request']] of Object.entries(refused)) {
  test(`a request with ${name} is answered with a problem`, async (t) => {
    const server = await serve(new Hono().all('/', (context) => context.text('hello')));
    t.after(() => server.stop(0));
    const { head, body } = await sendBytes(server.url, request);
    assert.ok(head.startsWith(`HTTP/1.1 ${status} `), head);
    assert.match(head, /\r\ncontent-type: application\/problem\+json(\r\n|$)/i);
    const problem = problemSchema.parse(JSON.parse(body));
    assert.equal(problem.code, code);
    assert.doesNotMatch(problem.detail, /HPE_|undefined/);
  });
}

test('what is malformed after an early answer is not answered once more', async (t) => {
  const server = await serve(new Hono().all('/', (context) => context.text('hello')));
  t.after(() => server.stop(0));
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1').setEncoding('latin1');
  socket.write(`${post}${coding} chunked\r\n\r\n`);
  let text = '';
  for await (const chunk of socket) {
    if (text === '') socket.write('no chunk\r\n');
    text += chunk;
  }
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
  assert.equal(text.match(/HTTP\/1\.1/g)?.length, 1, text);
});

const answered: Record<string, string> = {
  'HTTP/1.0 without Host': 'GET / HTTP/1.0\r\n\r\n',
  'a chunked body, in capitals': `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n${close}0\r\n\r\n`,
  'an expectation of 100, with a body': `POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n${close}x`,
};
for (const [name, request] of Object.entries(answered)) {
  test(`${name} is answered`, async (t) => {
    const server = await serve(new Hono().all('/', (context) => context.text('hello')));
    t.after(() => server.stop(0));
    const { head, body } = await sendBytes(server.url, request);
    assert.match(`${head}\r\n\r\n${body}`, /HTTP\/1\.1 (200 OK|100 Continue)\r\n/);
  });
}

test('who asks before it sends what is too large is refused without 100 Continue', async (t) => {
  const server = await serve(new Hono().all('/', (context) => context.text('too large', 413)));
  t.after(() => server.stop(0));
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1').setEncoding('latin1');
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n');
  const [answer] = await once(socket, 'data');
  socket.destroy();
  assert.match(answer, /^HTTP\/1\.1 413 .*\r\nconnection: close\r\n/is);
});

describe('an answer before the end of its request reaches a client that reads it only then', () => {
  const MEBIBYTE = 1024 * 1024;
  const head = (connection: string, length: number) =>
    `POST / HTTP/1.1\r\nHost: x\r\nConnection: ${connection}\r\nContent-Length: ${length}\r\n\r\n`;
  const readers: Record<string, (body: ReadableStream<Uint8Array> | null) => Promise<void>> = {
    'reads nothing': async () => {},
    'reads the beginning': async (body) => {
      await body?.getReader().read();
    },
  };
  for (const connection of ['close', 'keep-alive']) {
    for (const [name, read] of Object.entries(readers)) {
      test(`Connection: ${connection}, of a service that ${name}`, async (t) => {
        const app = new Hono().post('/', async (context) => {
          await read(context.req.raw.body);
          return context.text('refused', 413);
        });
        const server = await serve(app);
        t.after(() => server.stop(0));
        const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
          .setEncoding('latin1')
          .pause();
        socket.write(head(connection, 8 * MEBIBYTE));
        for (let sent = 0; sent < 8; sent++) {
          await new Promise<void>((resolve, reject) => {
            socket.write(Buffer.alloc(MEBIBYTE), (error) => (error ? reject(error) : resolve()));
          });
        }
        const [answer] = await once(socket.resume(), 'data');
        assert.match(answer, /^HTTP\/1\.1 413 /);
        if (connection === 'keep-alive') {
          socket.write(`${head('close', 1)}x`);
          assert.match(String(await once(socket, 'data')), /^HTTP\/1\.1 413 /);
        }
        socket.destroy();
      });
    }
  }
});

test('what still comes is not read for ever', async (t) => {
  const server = await serve(new Hono().post('/', (context) => context.text('refused', 413)));
  t.after(() => server.stop(0));
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1').resume();
  const closed = new Promise((resolve) => socket.on('error', resolve).on('close', resolve));
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(1024 * 1024), Buffer.from('\r\n')]);
  const send = () => socket.destroyed || socket.write(chunk, send);
  send();
  await closed;
});

test('a request that takes too long is answered with too-slow', () => {
  const sent: string[] = [];
  const socket = new PassThrough().on('data', (chunk: Buffer) => sent.push(String(chunk)));
  refuseUnreadable(Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
  const [head = '', body = ''] = sent.join('').split('\r\n\r\n');
  assert.match(head, /^HTTP\/1\.1 408 Request Timeout\r\n/);
  assert.equal(problemSchema.parse(JSON.parse(body)).code, 'too-slow');
});
