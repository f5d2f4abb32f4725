import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { test } from 'node:test';
import { readProblem, startFakeWas, webApp } from './fake-was.ts';

test('says that the WAS is connected, in the words of the original', async (t) => {
  const asked: unknown[] = [];
  const wasUrl = await startFakeWas(t, (request, answer) => {
    asked.push(request.method, request.url);
    answer.end('{"message":"WAS-Connected"}');
  });
  const response = await webApp({ wasUrl: `${wasUrl}/base` }).request('/was/health');
  assert.equal(response.status, 200);
  assert.equal(await response.text(), '{"was-health":{"message":"WAS-Connected"}}');
  assert.deepEqual(asked, ['GET', '/base/health']);
});

const answering =
  (body: string, status = 200): RequestListener =>
  (_, answer) =>
    answer.writeHead(status, { Location: 'http://elsewhere.test/health' }).end(body);

const notTheWas: Record<string, RequestListener> = {
  'another service': answering('{"message":"hello"}'),
  'a load balancer without a WAS': answering('<h1>503 Service Temporarily Unavailable</h1>', 503),
  'a redirect': answering('', 302),
  'far too much': answering('x'.repeat(2 * 1024 * 1024)),
  'something that closes the connection': (request) => request.socket.destroy(),
  'something that hangs': () => {},
};

for (const [what, listener] of Object.entries(notTheWas)) {
  test(`says that the WAS is unavailable: ${what}`, async (t) => {
    const app = webApp({ wasUrl: await startFakeWas(t, listener), healthTimeoutMs: 200 });
    const response = await app.request('/was/health');
    assert.equal(response.status, 503);
    assert.ok(Number(response.headers.get('Retry-After')) > 0);
    const { code, detail } = await readProblem(response);
    assert.equal(code, 'was-unavailable');
    assert.match(detail, /WAS_URL/);
  });
}
