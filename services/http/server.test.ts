import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { Hono } from 'hono';
import { pino } from 'pino';
import { problemSchema } from '../contract.ts';
import { refuseUnreadable, startServer } from './server.ts';

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
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  await server.stop(100);
  await closed;
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

const unreadable: Record<string, string> = {
  'bytes that are not HTTP': 'hello\r\n\r\n',
  'a wrong method': 'FOO / HTTP/1.1\r\nHost: x\r\n\r\n',
  'no Host': 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n',
  'a malformed Host': 'GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n',
  'headers without end': `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`,
  'two lengths': 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
};
for (const [name, request] of Object.entries(unreadable)) {
  test(`a request with ${name} is answered with a problem`, async (t) => {
    const server = await serve(new Hono().all('/', (context) => context.text('hello')));
    t.after(() => server.stop(0));
    const { head, body } = await sendBytes(server.url, request);
    assert.match(head, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.match(head, /\r\ncontent-type: application\/problem\+json(\r\n|$)/i);
    assert.equal(problemSchema.parse(JSON.parse(body)).code, 'malformed-request');
  });
}

test('a request that takes too long is answered with too-slow', () => {
  const sent: string[] = [];
  const socket = new PassThrough().on('data', (chunk: Buffer) => sent.push(String(chunk)));
  refuseUnreadable(Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
  const [head = '', body = ''] = sent.join('').split('\r\n\r\n');
  assert.match(head, /^HTTP\/1\.1 408 Request Timeout\r\n/);
  assert.equal(problemSchema.parse(JSON.parse(body)).code, 'too-slow');
});
