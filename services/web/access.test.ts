import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { ApiKeys } from './api-keys.ts';
import { readProblem, recordedLog, startFakeWas, startWeb, webApp } from './fake-was.ts';

const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');

const bearer = (key: string) => ({ headers: { Authorization: `Bearer ${key}` } });

/** The web service with keys, which a test can change, before a WAS that answers everything. */
const startGuarded = async (t: Parameters<typeof startWeb>[0], photosPerMinute = 100, openPage = true) => {
  const seen: (string | undefined)[] = [];
  const wasUrl = await startFakeWas(t, (incoming, outgoing) => {
    seen.push(incoming.headers.authorization);
    incoming.resume().on('end', () => {
      outgoing.writeHead(200, { 'Content-Type': 'application/json', 'X-Photos': '2' });
      outgoing.end('{"results":[]}');
    });
  });
  const store: Record<string, string> = { shop: sha256('bloom_shop'), old: sha256('bloom_old') };
  const { log, lines } = recordedLog();
  const keys = new ApiKeys({ read: async () => JSON.stringify(store), log });
  await keys.renew();
  const url = await startWeb(t, { wasUrl, keys, openPage, photosPerMinute, log });
  const post = (options: RequestInit) =>
    fetch(`${url}/v1/classifications`, { method: 'POST', body: 'photos', ...options });
  return { url, keys, store, lines, seen, post };
};

describe('keys', () => {
  test('a right key passes, a missing, a wrong and a revoked one do not; none is ever logged or passed on', async (t) => {
    const { url, keys, store, lines, seen, post } = await startGuarded(t);
    const challenge = async (options: RequestInit) => {
      const response = await post(options);
      return [response.status, response.headers.get('WWW-Authenticate')];
    };
    const invalid = 'Bearer realm="bloomstack", error="invalid_token"';
    assert.deepEqual(await challenge(bearer('bloom_shop')), [200, null]);
    assert.deepEqual(await challenge({ headers: { Authorization: 'bEaReR bloom_old' } }), [200, null]);
    assert.deepEqual(await challenge({}), [401, 'Bearer realm="bloomstack"']);
    assert.deepEqual(await challenge(bearer('bloom_wrong')), [401, invalid]);
    assert.deepEqual(await challenge({ headers: { Authorization: 'Basic c2hvcA==' } }), [401, invalid]);
    delete store['old'];
    await keys.renew();
    assert.deepEqual(await challenge(bearer('bloom_old')), [401, invalid]);
    assert.equal((await readProblem(await post({}))).code, 'unauthorized');
    assert.equal((await fetch(`${url}/health`)).status, 200);
    assert.deepEqual(seen, [undefined, undefined]);
    const logged = JSON.stringify(lines);
    assert.match(logged, /"caller":"shop"/);
    assert.doesNotMatch(logged, /bloom_(shop|old|wrong)/);
  });

  test('a store that breaks leaves the last keys in force, and its content out of the log', async () => {
    const { log, lines } = recordedLog();
    let store = JSON.stringify({ shop: sha256('bloom_shop') });
    const keys = new ApiKeys({ read: async () => store, log });
    await keys.renew();
    for (const broken of ['{"shop": "bloom_plain"}', 'bloom_plain', '']) {
      store = broken;
      await keys.renew();
      assert.equal(keys.findName('bloom_shop'), 'shop');
    }
    assert.equal(lines.length, 3);
    assert.doesNotMatch(JSON.stringify(lines), /bloom_plain/);
  });
});

test('the route of the page needs no key, unless that is closed', async (t) => {
  for (const openPage of [true, false]) {
    const { url } = await startGuarded(t, 100, openPage);
    const post = async (options: RequestInit) =>
      (await fetch(`${url}/classify/image`, { method: 'POST', body: 'photo', ...options })).status;
    assert.deepEqual([await post({}), await post(bearer('bloom_shop'))], [openPage ? 200 : 401, 200]);
    assert.equal((await fetch(`${url}/v1/model`)).status, 200, 'the page reads its title there');
  }
});

test('a key may send so many photos a minute, and is told where it stands', async (t) => {
  const { post } = await startGuarded(t, 3);
  const first = await post(bearer('bloom_shop'));
  assert.equal(first.headers.get('RateLimit-Policy'), '"photos";q=3;w=60');
  assert.match(first.headers.get('RateLimit') ?? '', /^"photos";r=1;t=(59|60)$/);
  assert.equal((await post(bearer('bloom_shop'))).status, 200);
  const refused = await post(bearer('bloom_shop'));
  assert.equal(refused.status, 429);
  const [, seconds] = /t=(\d+)$/.exec(refused.headers.get('RateLimit') ?? '') ?? [];
  assert.ok(Number(refused.headers.get('Retry-After')) >= Number(seconds));
  const problem = await readProblem(refused);
  assert.deepEqual([problem.code, problem['violated-policies']], ['rate-limited', ['photos']]);
  assert.equal((await post(bearer('bloom_old'))).status, 200, 'every key has a limit of its own');
  assert.equal((await post(bearer('bloom_wrong'))).status, 401, 'a wrong key is not counted');
});

// What an allowed origin's page may do is tested in the browser.
test('pages of other origins may not call without a list', async () => {
  const headers = { Origin: 'https://shop.example.com', 'Access-Control-Request-Method': 'POST' };
  const response = await webApp().request('/classify/image', { method: 'OPTIONS', headers });
  assert.equal(response.headers.get('Access-Control-Allow-Origin'), null);
});
