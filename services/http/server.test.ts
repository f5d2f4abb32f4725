import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { type Context, Hono } from 'hono';
import { pino } from 'pino';
import { problemSchema } from '../contract.ts';
import { refuseUnreadable } from './refusals.ts';
import { startServer } from './server.ts';

type Handler = (context: Context) => Response | Promise<Response>;

/** A server that answers everything the same, and is stopped after the test if not before. */
const serve = (handler: Handler = (context) => context.text('hello'), port = 0) => {
  const log = pino({ level: 'silent' });
  return startServer({ fetch: new Hono().all('/', handler).fetch, port, hostname: '127.0.0.1', log });
};
const serveFor = async (t: TestContext, handler?: Handler): Promise<string> => {
  const server = await serve(handler);
  t.after(() => server.stop(0));
  return server.url;
};
const open = (url: string): Socket =>
  // Newer releases of Node reset connections that are cut off.
  connect(Number(new URL(url).port), '127.0.0.1')
    .setEncoding('latin1')
    .on('error', () => {});

/** The whole answer to bytes on a socket, and to more of them behind its beginning. */
const sendBytes = async (url: string, request: string, more?: string) => {
  const socket = open(url);
  socket.write(request);
  let text = '';
  for await (const chunk of socket) {
    if (text === '' && more) socket.write(more);
    text += chunk;
  }
  const [head = '', body = ''] = text.split('\r\n\r\n');
  return { text, head, body };
};

test('a busy port is an error that names the variable to change', async (t) => {
  const { port } = new URL(await serveFor(t));
  await assert.rejects(serve(undefined, Number(port)), {
    message: new RegExp(`^Port ${port} is already in use.* PORT\\.$`),
  });
});

test('requests in flight are answered before it stops, and their connections closed', async () => {
  const inFlight = new EventEmitter();
  const server = await serve(async (context) => {
    inFlight.emit('here');
    await once(inFlight, 'released');
    return context.text('late, but here');
  });
  const here = once(inFlight, 'here');
  const pending = fetch(server.url);
  await here;
  const stopped = server.stop(60_000);
  inFlight.emit('released');
  const response = await pending;
  assert.equal(response.headers.get('Connection'), 'close');
  assert.equal(await response.text(), 'late, but here');
  await stopped;
});

test('a client that never finishes is cut off after the grace period', async () => {
  const server = await serve(async (context) => context.text(await context.req.text()));
  const socket = open(server.url);
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  await server.stop(100);
  await closed;
});

test('in the lame-duck period, new and kept-alive connections are served and asked to close', async () => {
  const server = await serve();
  assert.equal((await fetch(server.url)).headers.get('Connection'), 'keep-alive');
  const stopped = server.stop(60_000, 2_000);
  const kept = await fetch(server.url);
  assert.equal(kept.headers.get('Connection'), 'close');
  assert.match((await sendBytes(server.url, `${get}\r\n`)).head, /\r\nconnection: close/i);
  await stopped;
  await assert.rejects(fetch(server.url));
});

const close = 'Connection: close\r\n\r\n';
const get = 'GET / HTTP/1.1\r\nHost: x\r\n';
const post = 'POST / HTTP/1.1\r\nHost: x\r\n';
const coding = 'Transfer-Encoding:';
const [unknown, hopeless] = ['unsupported-transfer-coding', 'expectation-failed'];
const refused: Record<string, [request: string, status?: number, code?: string]> = {
  'bytes that are not HTTP': ['hello\r\n\r\n'],
  'a wrong method': ['FOO / HTTP/1.1\r\nHost: x\r\n\r\n'],
  'no Host': [`GET / HTTP/1.1\r\n${close}`],
  'a malformed Host': [`GET / HTTP/1.1\r\nHost: a b\r\n${close}`],
  'two Hosts': [`${get}host: x\r\n${close}`],
  'two lengths': [`${post}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`],
  'a transfer coding in HTTP/1.0': [`POST / HTTP/1.0\r\n${coding} chunked\r\n${close}0\r\n\r\n`],
  'a transfer coding after chunked': [`${post}${coding} chunked, gzip\r\n${close}`],
  'an unknown transfer coding': [`${post}${coding} gzip, chunked\r\n${close}0\r\n\r\n`, 501, unknown],
  'too long headers': [`${get}X: ${'x'.repeat(17_000)}\r\n\r\n`, 431, 'headers-too-large'],
  'an unknown expectation': [`${post}Expect: tea\r\nContent-Length: 0\r\n${close}`, 417, hopeless],
  'a tunnel': ['CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n', 405, 'method-not-allowed'],
};
for (const [name, [request, status = 400, code = 'malformed-request']] of Object.entries(refused)) {
  test(`a request with ${name} is answered with a problem`, async (t) => {
    const { head, body } = await sendBytes(await serveFor(t), request);
    assert.ok(head.startsWith(`HTTP/1.1 ${status} `), head);
    assert.match(head, /\r\ncontent-type: application\/problem\+json(\r\n|$)/i);
    const problem = problemSchema.parse(JSON.parse(body));
    assert.equal(problem.code, code);
    assert.doesNotMatch(problem.detail, /HPE_|undefined/);
  });
}

test('malformed data after an early answer gets no second answer', async (t) => {
  const begun = `${post}${coding} chunked\r\n\r\n`;
  const { text } = await sendBytes(await serveFor(t), begun, 'no chunk\r\n');
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
  assert.equal(text.match(/HTTP\/1\.1/g)?.length, 1, text);
});

const expecting = `${post}Expect: 100-Continue\r\nContent-Length: 1\r\n${close}x`;
const answered: Record<string, string> = {
  'HTTP/1.0 without Host': 'GET / HTTP/1.0\r\n\r\n',
  'a chunked body, in capitals': `${post}Transfer-Encoding: Chunked\r\n${close}0\r\n\r\n`,
  'an expectation of 100, with a body': expecting,
};
for (const [name, request] of Object.entries(answered)) {
  test(`${name} is answered`, async (t) => {
    assert.match((await sendBytes(await serveFor(t), request)).text, /HTTP\/1\.1 (200 OK|100 Continue)\r\n/);
  });
}

test('a client that announces a body that is too large is refused without 100 Continue', async (t) => {
  const socket = open(await serveFor(t, (context) => context.text('too large', 413)));
  socket.write(`${post}Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n`);
  assert.match(String(await once(socket, 'data')), /^HTTP\/1\.1 413 .*\r\nconnection: close\r\n/is);
  socket.destroy();
});

const MEBIBYTE = 1024 * 1024;
for (const [connection, reads] of [
  ['close', 'nothing'],
  ['keep-alive', 'the beginning'],
])
  test(`an early answer reaches a client that reads it at the end: ${connection}, read ${reads}`, async (t) => {
    const head = (kept = '', length = 1) => `${post}Connection: ${kept}\r\nContent-Length: ${length}\r\n\r\n`;
    const url = await serveFor(t, async (context) => {
      if (reads === 'the beginning') await context.req.raw.body?.getReader().read();
      return context.text('refused', 413);
    });
    const socket = open(url).pause();
    socket.write(head(connection, 8 * MEBIBYTE));
    for (let sent = 0; sent < 8; sent++)
      await new Promise<void>((resolve, reject) => {
        socket.write(Buffer.alloc(MEBIBYTE), (error) => (error ? reject(error) : resolve()));
      });
    const [answer] = await once(socket.resume(), 'data');
    assert.match(answer, /^HTTP\/1\.1 413 /);
    if (connection === 'keep-alive') {
      socket.write(`${head('close')}x`);
      assert.match(String(await once(socket, 'data')), /^HTTP\/1\.1 413 /);
    }
    socket.destroy();
  });

test('the rest of a refused request is not read for ever', async (t) => {
  const socket = open(await serveFor(t, (context) => context.text('refused', 413))).resume();
  const closed = new Promise((resolve) => socket.on('error', resolve).on('close', resolve));
  socket.write(`${post}${coding} chunked\r\n\r\n`);
  const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(MEBIBYTE), Buffer.from('\r\n')]);
  const send = () => socket.destroyed || socket.write(chunk, send);
  send();
  await closed;
});

test('a request that takes too long is answered with too-slow', () => {
  const socket = new PassThrough();
  refuseUnreadable(Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
  const [head = '', body = ''] = String(socket.read()).split('\r\n\r\n');
  assert.match(head, /^HTTP\/1\.1 408 Request Timeout\r\n/);
  assert.equal(problemSchema.parse(JSON.parse(body)).code, 'too-slow');
});
