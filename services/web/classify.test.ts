import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { MAX_BODY_BYTES, problemSchema } from '../contract.ts';
import {
  ERROR_LEVEL,
  readProblem,
  recordedLog,
  startFakeWas,
  startUpload,
  startWeb,
  WARN_LEVEL,
  webApp,
} from './fake-was.ts';

const PATH = '/classify/image';

/** A WAS that answers the same every time, and remembers the last request. */
const was = (answer: () => Response) => {
  let asked: Request | undefined;
  const fetch: typeof globalThis.fetch = async (input, init) => {
    asked = new Request(input, init);
    return answer();
  };
  return {
    fetch,
    asked: () => {
      assert.ok(asked, 'The WAS was not asked.');
      return asked;
    },
  };
};

const post = (fetch: typeof globalThis.fetch, headers: Record<string, string> = {}, body = 'a photo') =>
  webApp({ fetch }).request(PATH, { method: 'POST', body, headers });

test('passes the upload on as it is', async () => {
  const { fetch, asked } = was(() => Response.json({ result: {} }));
  await post(fetch, { 'Content-Type': 'multipart/form-data; boundary=x' }, 'the bytes');
  assert.equal(asked().url, 'http://was.test/classify/image');
  assert.equal(asked().method, 'POST');
  assert.equal(await asked().text(), 'the bytes');
});

test('forwards what the WAS needs and nothing that is private', async () => {
  const { fetch, asked } = was(() => Response.json({}));
  const forwarded = {
    'accept-language': 'ko-KR,ko;q=0.9',
    'content-encoding': 'gzip',
    'content-type': 'multipart/form-data; boundary=x',
    'x-forwarded-for': '203.0.113.9, 10.0.0.1',
    'x-request-id': 'request-1',
  };
  await post(fetch, {
    ...forwarded,
    'content-length': '7',
    Cookie: 'session=secret',
    Authorization: 'Bearer secret',
    'Proxy-Authorization': 'Basic secret',
    TE: 'trailers',
    Upgrade: 'h2c',
  });
  assert.deepEqual(Object.fromEntries(asked().headers), { ...forwarded, 'content-length': '7' });
});

test('gives a request without an id one, for both sides', async () => {
  const { fetch, asked } = was(() => Response.json({}));
  const response = await post(fetch);
  const id = asked().headers.get('X-Request-Id');
  assert.ok(id);
  assert.equal(response.headers.get('X-Request-Id'), id);
});

const answers: readonly [number, string, string][] = [
  [200, 'application/json', '{"result":{"name":"Astilbe"}}'],
  [200, 'text/plain', 'not JSON at all'],
  [415, 'application/problem+json', '{"code":"unsupported-format"}'],
  [400, 'text/html', '<h1>Bad Request</h1>'],
  [502, 'application/problem+json', '{"code":"model-failed"}'],
  [503, 'application/problem+json', '{"code":"endpoint-unavailable"}'],
];

for (const [status, type, body] of answers) {
  test(`gives back ${status} ${type} as it is`, async () => {
    const headers = { 'Content-Type': type, 'Retry-After': '7', 'Set-Cookie': 'a=b', Server: 'WAS' };
    const response = await post(was(() => new Response(body, { status, headers })).fetch);
    assert.equal(response.status, status);
    assert.equal(response.headers.get('Content-Type'), type);
    assert.equal(response.headers.get('Retry-After'), '7');
    assert.equal(response.headers.get('Set-Cookie'), null);
    assert.equal(response.headers.get('Server'), null);
    assert.equal(await response.text(), body);
  });
}

test('gives back an empty answer', async () => {
  const response = await post(was(() => new Response(null, { status: 204 })).fetch);
  assert.equal(response.status, 204);
});

const html = { 'Content-Type': 'text/html' };
const unavailable: Record<string, typeof fetch> = {
  'is not there': () => Promise.reject(new TypeError('fetch failed')),
  'hides behind an error page of a load balancer': async () =>
    new Response('<h1>503', { status: 503, headers: html }),
  redirects: async () => Response.redirect('http://elsewhere.test/', 302),
  'never stops answering': async () => new Response('x'.repeat(2 * 1024 * 1024)),
};

for (const [what, fetch] of Object.entries(unavailable)) {
  test(`says so when the WAS ${what}`, async () => {
    const response = await post(fetch);
    assert.equal(response.status, 503);
    assert.ok(Number(response.headers.get('Retry-After')) > 0);
    assert.equal((await readProblem(response)).code, 'was-unavailable');
  });
}

test('says so when the WAS hangs, and logs it', async (t) => {
  const { log, lines } = recordedLog();
  const wasUrl = await startFakeWas(t, () => {});
  const app = webApp({ log, wasUrl, classifyTimeoutMs: 30 });
  const response = await app.request(PATH, { method: 'POST', body: 'a photo' });
  assert.equal(response.status, 503);
  assert.equal((await readProblem(response)).code, 'was-unavailable');
  assert.ok(lines.some(({ level }) => level === WARN_LEVEL));
});

test('says so when the WAS breaks off in the middle of its answer', async (t) => {
  const wasUrl = await startFakeWas(t, (_, answer) => {
    answer.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '100' });
    answer.write('{"result"', () => answer.destroy());
  });
  const response = await webApp({ wasUrl }).request(PATH, { method: 'POST', body: 'a photo' });
  assert.equal((await readProblem(response)).code, 'was-unavailable');
});

test('refuses a body that announces to be too large, without asking the WAS', async () => {
  const fetch = () => Promise.reject(new Error('asked'));
  const response = await post(fetch, { 'Content-Length': String(MAX_BODY_BYTES + 1) });
  assert.equal(response.status, 413);
  const { code, detail } = await readProblem(response);
  assert.equal(code, 'too-large');
  assert.match(detail, /at most 15 MiB.*smaller/);
});

test('accepts a body of just the largest length', async () => {
  const response = await post(was(() => Response.json({})).fetch, {
    'Content-Length': String(MAX_BODY_BYTES),
  });
  assert.equal(response.status, 200);
});

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

test('passes on the length that the client announced', async (t) => {
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
  // The upload continues; the answer does not wait for its end.
  const response = await answer;
  assert.equal(response.statusCode, 413);
  assert.equal(problemSchema.parse(JSON.parse(await text(response))).code, 'too-large');
  assert.equal((await request).complete, false);
  assert.ok(received <= MAX_BODY_BYTES);
  upload.on('error', () => {});
  upload.destroy();
});

test('a client that disconnects ends the request to the WAS, and is not an error', async (t) => {
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

test('a client that disconnects while the WAS works ends the request to the WAS, and is not an error', async (t) => {
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
  const { upload, answer } = startUpload(await startWeb(t, { wasUrl, classifyTimeoutMs: 30 }));
  upload.write(Buffer.alloc(MAX_BODY_BYTES - MEBIBYTE));
  const response = await answer;
  assert.equal(response.statusCode, 503);
  upload.on('error', () => {});
  upload.destroy();
});
