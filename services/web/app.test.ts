import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_PHOTO_BYTES } from '../../model/photo/format.ts';
import { readProblem, webApp } from './fake-was.ts';

test('answers its own health and version without asking the WAS', async () => {
  assert.deepEqual(await (await webApp().request('/health')).json(), { status: 'ok' });
  const version = await webApp({ version: '4.5.6' }).request('/version');
  assert.deepEqual(await version.json(), { version: '4.5.6' });
});

test('serves the page with the limits of the photo contract', async () => {
  const html = await (await webApp().request('/')).text();
  assert.ok(html.includes('accept="image/jpeg,image/png,image/webp"'));
  assert.ok(html.includes(`data-max-bytes="${MAX_PHOTO_BYTES}"`));
  assert.ok(html.includes('WAS 접속 확인 페이지'));
  assert.ok(!html.includes('{{'));
});

test('serves the WAS check page with its button', async () => {
  assert.match(await (await webApp().request('/was/check')).text(), /<button[^>]*>WAS 접속 확인<\/button>/);
});

test('escapes the version on the page', async () => {
  const html = await (await webApp({ version: '<script>' }).request('/')).text();
  assert.ok(html.includes('Bloomstack &#60;script&#62;') && !html.includes('Bloomstack <script>'));
});

for (const page of ['/', '/was/check', '/docs']) {
  test(`${page} allows no inline code and nothing from other origins`, async () => {
    const response = await webApp().request(page);
    const policy = response.headers.get('Content-Security-Policy') ?? '';
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /script-src 'self'(;|$)/);
    assert.match(policy, /style-src 'self'(;|$)/);
    assert.match(policy, /img-src 'self' blob: data:(;|$)/);
    assert.doesNotMatch(policy, /unsafe|https?:/);
    const html = await response.text();
    assert.doesNotMatch(html, /\son\w+=|\sstyle=|<style|(src|href)="(https?:)?\/\//);
    assert.doesNotMatch(html, /<script(?![^>]*\ssrc=)/);
  });

  test(`everything that ${page} loads exists`, async () => {
    const app = webApp();
    const html = await (await app.request(page)).text();
    const assets = [...html.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path = '']) => path);
    assert.ok(assets.length > 2);
    for (const asset of assets) assert.equal((await app.request(asset)).status, 200, asset);
  });
}

test('answers 304 to a client that already has the page', async () => {
  const app = webApp();
  const etag = (await app.request('/')).headers.get('ETag');
  assert.ok(etag);
  const again = await app.request('/', { headers: { 'If-None-Match': etag } });
  assert.equal(again.status, 304);
  assert.equal(await again.text(), '');
  assert.equal((await app.request('/', { headers: { 'If-None-Match': '"other"' } })).status, 200);
});

const ELSEWHERE = [
  '/was/health/http%3A%2F%2F127.0.0.1',
  '/was/health/example.org',
  '/assets/../app.ts',
  '/no',
];
test('no other path exists, and no other method', async () => {
  for (const path of [...ELSEWHERE, '/classify/image']) {
    const response = await webApp().request(path);
    const isPath = ELSEWHERE.includes(path);
    assert.equal((await readProblem(response)).code, isPath ? 'not-found' : 'method-not-allowed', path);
    assert.equal(response.headers.get('Allow'), isPath ? null : 'POST');
  }
});
