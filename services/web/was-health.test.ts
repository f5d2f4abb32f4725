import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readProblem, startFakeWas, webApp } from './fake-was.ts';

const answering = (body: string, status = 200) =>
  webApp({ fetch: async () => new Response(body, { status }) });

test('says that the WAS is connected, in the words of the original', async () => {
  const asked: string[] = [];
  const app = webApp({
    wasUrl: 'http://was.test:8081',
    fetch: async (input) => {
      asked.push(String(input));
      return Response.json({ message: 'WAS-Connected' });
    },
  });
  const response = await app.request('/was/health');
  assert.equal(response.status, 200);
  assert.equal(await response.text(), '{"was-health":{"message":"WAS-Connected"}}');
  assert.deepEqual(asked, ['http://was.test:8081/health']);
});

const notTheWas = {
  'another service': answering('{"message":"hello"}'),
  'a page': answering('<h1>It works!</h1>'),
  'an empty answer': answering(''),
  'a load balancer without a WAS': answering('<h1>503 Service Temporarily Unavailable</h1>', 503),
  'a redirect': webApp({ fetch: async () => Response.redirect('http://elsewhere.test/health', 302) }),
  'far too much': answering('x'.repeat(2 * 1024 * 1024)),
  nothing: webApp({ fetch: () => Promise.reject(new TypeError('fetch failed')) }),
};

for (const [what, app] of Object.entries(notTheWas)) {
  test(`says that the WAS is unavailable when ${what} is there`, async () => {
    const response = await app.request('/was/health');
    assert.equal(response.status, 503);
    assert.ok(Number(response.headers.get('Retry-After')) > 0);
    const { code, detail } = await readProblem(response);
    assert.equal(code, 'was-unavailable');
    assert.match(detail, /WAS_URL/);
  });
}

test('does not wait for a WAS that hangs', async (t) => {
  const wasUrl = await startFakeWas(t, () => {});
  const response = await webApp({ wasUrl, healthTimeoutMs: 30 }).request('/was/health');
  assert.equal(response.status, 503);
  assert.match((await readProblem(response)).detail, /within 30 ms/);
});

test('does not wait for a WAS that hangs in the middle of its answer', async (t) => {
  const wasUrl = await startFakeWas(t, (_, answer) => {
    answer.write('{"message"');
  });
  const response = await webApp({ wasUrl, healthTimeoutMs: 30 }).request('/was/health');
  assert.equal((await readProblem(response)).code, 'was-unavailable');
});
