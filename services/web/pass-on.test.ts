import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, RequestListener } from 'node:http';
import { buffer, text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { MAX_BODY_BYTES, problemSchema } from '../contract.ts';
import { ERROR_LEVEL, readProblem, recordedLog, startFakeWas, startUpload, startWeb } from './fake-was.ts';

/** Sends a photo through `web` to a WAS that answers with `listener`. */
const post = async (t: TestContext, listener: RequestListener, init: RequestInit = {}) => {
  const webUrl = await startWeb(t, { wasUrl: await startFakeWas(t, listener) });
  return fetch(`${webUrl}/classify/image`, { method: 'POST', body: 'a photo', redirect: 'manual', ...init });
};

test('passes the upload on, with the headers that the WAS needs and nothing private', async (t) => {
  const asked: { method?: string; url?: string; headers?: IncomingHttpHeaders; body?: string } = {};
  const passedOn = {
    'accept-language': 'ko-KR,ko;q=0.9',
    'content-encoding': 'gzip',
    'content-type': 'multipart/form-data; boundary=x',
    'x-request-id': 'request-1',
  };
  const secrets = {
    Cookie: 'session=secret',
    Authorization: 'Bearer secret',
    'Proxy-Authorization': 'Basic secret',
    TE: 'trailers',
    'X-Forwarded-For': '203.0.113.9, 10.0.0.1',
  };
  const listener: RequestListener = async (request, answer) => {
    const { method = '', url = '', headers } = request;
    Object.assign(asked, { method, url, headers, body: await text(request) });
    answer.end('{}');
  };
  const response = await post(t, listener, { body: 'the bytes', headers: { ...passedOn, ...secrets } });
  assert.equal(response.headers.get('X-Request-Id'), 'request-1');
  const { host, connection, ...headers } = asked.headers ?? {};
  assert.deepEqual(
    { ...asked, headers },
    {
      method: 'POST',
      url: '/classify/image',
      body: 'the bytes',
      headers: { ...passedOn, 'content-length': '9', 'x-forwarded-for': '203.0.113.9, 10.0.0.1, 127.0.0.1' },
    },
  );
});

for (const [status, type, body] of [
  [200, 'application/json', '{"result":{"name":"Astilbe"}}'],
  [204, 'text/plain', ''],
  [400, 'text/html', '<h1>Bad Request</h1>'],
  [503, 'application/problem+json', '{"code":"endpoint-unavailable"}'],
] as const)
  test(`returns ${status} ${type} unchanged`, async (t) => {
    const headers = { 'Content-Type': type, 'Content-Language': 'ko', 'Retry-After': '7' };
    const response = await post(t, (_, answer) => {
      answer.writeHead(status, { ...headers, 'Set-Cookie': 'a=b', Server: 'WAS' }).end(body);
    });
    assert.equal(response.status, status);
    for (const [name, value] of Object.entries({ ...headers, 'Set-Cookie': null, Server: null }))
      assert.equal(response.headers.get(name), value);
    assert.equal(await response.text(), body);
  });

const unavailable: Record<string, RequestListener> = {
  hangs: () => {},
  'hides behind an error page of a load balancer': (_, answer) =>
    answer.writeHead(503, { 'Content-Type': 'text/html' }).end('<h1>503'),
  redirects: (_, answer) => answer.writeHead(302, { Location: 'http://elsewhere.test/' }).end(),
  'answers with no status of HTTP': (_, answer) => answer.writeHead(799).end('{}'),
  'breaks off in the middle of its answer': (_, answer) => {
    answer.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '100' });
    answer.write('{"result"', () => answer.destroy());
  },
};

for (const [what, listener] of Object.entries(unavailable))
  test(`says so when the WAS ${what}`, async (t) => {
    const webUrl = await startWeb(t, { wasUrl: await startFakeWas(t, listener), classifyTimeoutMs: 300 });
    const request = { method: 'POST', body: 'x', redirect: 'manual' } as const;
    const response = await fetch(`${webUrl}/classify/image`, request);
    assert.equal(response.status, 503);
    assert.ok(Number(response.headers.get('Retry-After')) > 0);
    assert.equal((await readProblem(response)).code, 'was-unavailable');
  });

test('a body of exactly the maximum length is passed on with its length; one that announces more is refused unread', async (t) => {
  const sizes: unknown[] = [];
  const listener: RequestListener = async (request, answer) => {
    sizes.push(request.headers['content-length'], (await buffer(request)).length);
    answer.end('{}');
  };
  assert.equal((await post(t, listener, { body: Buffer.alloc(MAX_BODY_BYTES) })).status, 200);
  const response = await post(t, listener, { body: Buffer.alloc(MAX_BODY_BYTES + 1) });
  const { status, code, detail } = await readProblem(response);
  assert.deepEqual([status, code], [413, 'too-large']);
  assert.match(detail, /at most 15 MiB.*smaller/);
  assert.deepEqual(sizes, [String(MAX_BODY_BYTES), MAX_BODY_BYTES]);
});

test('a request that failed because the WAS closed a kept-alive connection is retried once', async (t) => {
  const seen = new Set<unknown>();
  const wasUrl = await startFakeWas(t, async (request, answer) => {
    if (seen.has(request.socket)) request.socket.destroy();
    else answer.end(await text(request));
    seen.add(request.socket);
  });
  const webUrl = await startWeb(t, { wasUrl });
  for (const body of ['first', 'second']) {
    const response = await fetch(`${webUrl}/classify/image`, { method: 'POST', body });
    assert.equal(await response.text(), body);
  }
});

const MEBIBYTE = 1024 * 1024;

/** Resolves with the request that reaches the WAS. */
const nextRequest = () => {
  let resolve: (request: IncomingMessage) => void = () => {};
  const request = new Promise<IncomingMessage>((resolveWith) => (resolve = resolveWith));
  return { request, resolve };
};

test('streams: the WAS reads the beginning before the end is sent, and a slow client is not a slow WAS', async (t) => {
  const { request, resolve } = nextRequest();
  const wasUrl = await startFakeWas(t, async (incoming, answer) => {
    resolve(incoming);
    answer.end(await text(incoming));
  });
  const { upload, answer } = startUpload(await startWeb(t, { wasUrl, classifyTimeoutMs: 40 }));
  upload.write('beginning');
  const [first] = await once(await request, 'data');
  assert.equal(String(first), 'beginning');
  await new Promise((resolve) => setTimeout(resolve, 200));
  upload.end('end');
  assert.equal(await text(await answer), 'beginningend');
});

test('a body without a length is cut off once it is too large, also towards the WAS', async (t) => {
  const { request, resolve } = nextRequest();
  let received = 0;
  const wasUrl = await startFakeWas(t, (incoming) => {
    incoming.on('data', (chunk: Buffer) => (received += chunk.byteLength));
    incoming.on('error', () => {}).on('close', () => resolve(incoming));
  });
  const { upload, answer } = startUpload(await startWeb(t, { wasUrl }));
  for (let sent = 0; sent <= MAX_BODY_BYTES; sent += MEBIBYTE) upload.write(Buffer.alloc(MEBIBYTE));
  // The upload continues; the answer does not wait for its end.
  const response = await answer;
  assert.equal(response.statusCode, 413);
  assert.equal(problemSchema.parse(JSON.parse(await text(response))).code, 'too-large');
  assert.equal((await request).complete, false);
  assert.ok(received <= MAX_BODY_BYTES);
  upload.on('error', () => {}).destroy();
});

for (const when of ['sends', 'waits']) {
  test(`a client that disconnects while it ${when} ends the request to the WAS, and is not an error`, async (t) => {
    const { log, lines } = recordedLog();
    const [arrived, gone] = [nextRequest(), nextRequest()];
    const wasUrl = await startFakeWas(t, (incoming, answer) => {
      incoming.resume().once(when === 'sends' ? 'data' : 'end', () => arrived.resolve(incoming));
      incoming.on('error', () => {});
      answer.on('close', () => gone.resolve(incoming));
    });
    const webUrl = await startWeb(t, { log, wasUrl });
    const { upload, answer } = startUpload(webUrl);
    if (when === 'sends') upload.write('beginning');
    else upload.end('everything');
    await arrived.request;
    upload.destroy();
    await assert.rejects(answer);
    assert.equal((await gone.request).complete, when === 'waits');
    assert.equal((await fetch(`${webUrl}/health`)).status, 200);
    assert.ok(lines.some(({ status }) => status === 499));
    assert.ok(lines.every(({ level }) => level < ERROR_LEVEL));
  });
}

test('a WAS that does not read is not waited for', async (t) => {
  const wasUrl = await startFakeWas(t, (incoming) => incoming.pause());
  const { upload, answer } = startUpload(await startWeb(t, { wasUrl, classifyTimeoutMs: 30 }));
  upload.write(Buffer.alloc(MAX_BODY_BYTES - MEBIBYTE));
  assert.equal((await answer).statusCode, 503);
  upload.on('error', () => {}).destroy();
});
