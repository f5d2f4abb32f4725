import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_PHOTO_BYTES } from '../../model/photo/format.ts';
import { readProblem, webApp } from './fake-was.ts';

test('answers its own health without asking the WAS', async () => {
  const response = await webApp().request('/health');
  assert.equal(response.status, 200);
  assert.match(response.headers.get('Content-Type') ?? '', /^application\/json/);
});

test('answers its version', async () => {
  const response = await webApp({ version: '4.5.6' }).request('/version');
  assert.deepEqual(await response.json(), { version: '4.5.6' });
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
  assert.ok(!html.includes('Bloomstack <script>'));
  assert.ok(html.includes('Bloomstack &#60;script&#62;'));
});

for (const page of ['/', '/was/check', '/docs']) {
  test(`${page} allows no inline code and nothing from elsewhere`, async () => {
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

  test(`everything that ${page} loads is there`, async () => {
    const app = webApp();
    const html = await (await app.request(page)).text();
    const assets = [...html.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path = '']) => path);
    assert.ok(assets.length > 2);
    for (const asset of assets) assert.equal((await app.request(asset)).status, 200, asset);
  });
}

test('answers 304 to a client that has the page already', async () => {
  const app = webApp();
  const etag = (await app.request('/')).headers.get('ETag');
  assert.ok(etag);
  const again = await app.request('/', { headers: { 'If-None-Match': etag } });
  assert.equal(again.status, 304);
  assert.equal(await again.text(), '');
  assert.equal((await app.request('/', { headers: { 'If-None-Match': '"other"' } })).status, 200);
});

for (const path of [
  '/was/health/http%3A%2F%2F127.0.0.1',
  '/was/health/example.org',
  '/assets/../app.ts',
  '/no',
]) {
  test(`${path} does not exist`, async () => {
    const response = await webApp().request(path);
    assert.equal(response.status, 404);
    assert.equal((await readProblem(response)).code, 'not-found');
  });
}

test('says which method a route wants', async () => {
  const response = await webApp().request('/classify/image');
  assert.equal(response.status, 405);
  assert.equal(response.headers.get('Allow'), 'POST');
  assert.equal((await readProblem(response)).code, 'method-not-allowed');
});
