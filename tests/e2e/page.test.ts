import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import sharp from 'sharp';
import { z } from 'zod';
import type { Language } from '../../model/contract/catalogue.ts';
import { screenshot } from '../../model/out-of-distribution/drawings.ts';
import { drawFile } from '../../model/out-of-distribution/pictures.ts';
import { MAX_PHOTO_BYTES } from '../../model/photo/format.ts';
import { ROOT } from '../../scripts/shared/paths.ts';
import { type Answer, answerSchema } from '../../services/contract.ts';
import { startServer } from '../../services/http/server.ts';
import { ApiKeys } from '../../services/web/api-keys.ts';
import { createWebApp } from '../../services/web/app.ts';
import { FREE_PORTS, launch } from '../launch.ts';
import { findOnPath, need } from '../requirements.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const executablePath =
  process.env['CHROMIUM_PATH'] ||
  findOnPath('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable');
const options = need(
  'chromium',
  executablePath,
  'the page is NOT tested in a browser. Install it (Debian, Ubuntu: apt-get install chromium) or name yours with CHROMIUM_PATH.',
);

/** Nothing that talks to the network on its own. */
const CHROMIUM_OPTIONS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

const DESKTOP = { viewport: { width: 1280, height: 800 } };
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const LOCALES: Readonly<Record<Language, string>> = { ko: 'ko-KR', en: 'en-GB' };

let system: ReturnType<typeof launch>;
let web: string;
let browser: Browser;
/** Asks for a key, and lets pages of the origin `was` call. */
let keyed: Awaited<ReturnType<typeof startServer>>;
let was: string;
const KEY = 'bloom_of_the_shop';

before(async () => {
  if (executablePath === undefined) return;
  system = launch('scripts/start.ts', [], FREE_PORTS);
  web = await system.until(/Ready: open (\S+)/);
  was = await system.until(/was +(http:\S+)/);
  const log = pino({ level: 'silent' });
  const store = JSON.stringify({ shop: createHash('sha256').update(KEY).digest('hex') });
  const keys = new ApiKeys({ read: async () => store, log });
  await keys.renew();
  const { fetch } = createWebApp({ log, wasUrl: was, version: '1', keys, corsOrigins: [was] });
  keyed = await startServer({ fetch, port: 0, hostname: '127.0.0.1', log });
  browser = await chromium.launch({ executablePath, args: CHROMIUM_OPTIONS.split(' ') });
});

after(async () => {
  await browser?.close();
  await keyed?.stop(0);
  if (system) assert.equal(await system.end('SIGINT'), 0);
});

/** A test on the page, opened for it. */
const onPage = (
  name: string,
  language: Language,
  device: BrowserContextOptions,
  visit: (page: Page) => Promise<void>,
) =>
  test(name, options, async () => {
    const context = await browser.newContext({ locale: LOCALES[language], ...device });
    try {
      const page = await context.newPage();
      await page.goto(web);
      await visit(page);
    } finally {
      await context.close();
    }
  });

/** A photo as playwright's `setInputFiles` takes it. */
const file = (name: string, buffer: Buffer, mimeType = 'image/jpeg') => ({ name, mimeType, buffer });

const PETALS = [0, 60, 120, 180, 240, 300].map(
  (angle) =>
    `<ellipse cx="320" cy="150" rx="50" ry="90" fill="#f2c12e" transform="rotate(${angle} 320 240)"/>`,
);
const FLOWER = `<svg xmlns="http://www.w3.org/2000/svg" width="640" height="480">
  <rect width="640" height="480" fill="#5f8f4e"/>${PETALS.join('')}
  <circle cx="320" cy="240" r="55" fill="#3b2415"/>
</svg>`;
const flower = file('drawn.jpg', await sharp(Buffer.from(FLOWER)).jpeg().toBuffer());
/** What the model must not take for a flower. */
const noFlower = file('screenshot.jpg', await drawFile(screenshot, 1));

const shown = async (page: Page, id: string) => (await page.getByTestId(id).textContent()) ?? '';
const isVisible = (page: Page, id: string) => page.getByTestId(id).isVisible();
const focused = (page: Page) => page.evaluate('document.activeElement.id');

/** Picks the photos and presses the magnifier. */
const send = async (page: Page, ...photos: ReturnType<typeof file>[]): Promise<void> => {
  await page.locator('input[type=file]').setInputFiles(photos);
  await page.getByTestId('send').click();
};

const classify = async (page: Page, photo: ReturnType<typeof file>): Promise<Answer['result']> => {
  const answered = page.waitForResponse((response) => response.url().endsWith('/classify/image?map=true'));
  await send(page, photo);
  const { result } = answerSchema.parse(await (await answered).json());
  await page.getByTestId('result').waitFor();
  return result;
};

const assertFits = async (page: Page): Promise<void> =>
  assert.equal(
    await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
    0,
  );

onPage('names a flower in both languages, without errors or other hosts', 'ko', PHONE, async (page) => {
  const errors: string[] = [];
  const urls: string[] = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('request', (request) => urls.push(request.url()));
  await page.reload();
  await assertFits(page);

  const { translations, acc, model } = await classify(page, flower);
  assert.equal(await shown(page, 'result-name'), translations.ko.name);
  assert.equal(await shown(page, 'result-description'), translations.ko.description);
  assert.ok(Math.abs(Number.parseFloat(await shown(page, 'result-confidence')) / 100 - acc) < 0.002);
  assert.ok((await shown(page, 'result-model')).includes(model.version));
  assert.equal(await focused(page), 'result-name');
  await assertFits(page);

  await page.getByTestId('language').click();
  assert.equal(await shown(page, 'result-name'), translations.en.name);
  assert.equal(await shown(page, 'result-description'), translations.en.description);
  await assertFits(page);

  await page.reload();
  assert.equal(await page.locator('html').getAttribute('lang'), 'en', 'the choice is remembered');
  assert.deepEqual(errors, []);
  assert.ok(urls.length > 5);
  const elsewhere = urls.filter((url) => !url.startsWith(`${web}/`) && !url.startsWith('blob:'));
  assert.deepEqual(elsewhere, []);
});

const flowers = process.env['FLOWERS_DIR'] ?? '';
need('flowers', flowers || undefined, 'set FLOWERS_DIR to a folder with one folder of photos per class.');
/** Photos that show something else than their folder says. */
const mislabelled = z
  .record(z.string(), z.record(z.string(), z.string()))
  .parse(JSON.parse(readFileSync(path.join(ROOT, 'model/data/flowers-16-excluded.json'), 'utf8')));
const folders = flowers ? readdirSync(flowers, { withFileTypes: true }) : [];
const labels = folders.filter((entry) => entry.isDirectory()).map(({ name }) => name);
// One photo in twenty is refused.
if (labels.length > 0)
  onPage('recognises two of three photos of each flower, without a key', 'en', DESKTOP, async (page) => {
    await page.goto(keyed.url);
    for (const label of labels) {
      const folder = path.join(flowers, label);
      const names = readdirSync(folder).filter((name) => !mislabelled[label]?.[name]);
      let recognised = 0;
      for (const name of names.sort().slice(0, 3)) {
        if (recognised === 2) break;
        const result = await classify(page, file(name, readFileSync(path.join(folder, name))));
        if (!result.known || result.label !== label) continue;
        recognised += 1;
        assert.equal(await isVisible(page, 'result-sure'), true);
        assert.equal(await shown(page, 'result-name'), result.translations.en.name);
        await page.getByTestId('look').click();
        await page.locator('canvas:visible').waitFor();
        assert.ok(await page.evaluate('document.querySelector("canvas").width > 1'), 'shows where it looked');
        await page.getByTestId('look').click();
        assert.equal(await isVisible(page, 'evidence'), false);
      }
      assert.equal(recognised, 2, label);
    }
  });

onPage('says of a screenshot that it shows none of the flowers', 'en', PHONE, async (page) => {
  const { known, no, predictions } = await classify(page, noFlower);
  assert.deepEqual({ known, no }, { known: false, no: -1 });
  assert.equal(await shown(page, 'result-name'), 'None of my flowers');
  assert.equal(await focused(page), 'result-name');
  assert.equal(await isVisible(page, 'result-sure'), false, 'no confidence in nothing');
  const guesses = predictions.filter(({ acc }) => acc >= 0.0095);
  assert.equal(await page.getByTestId('result-alternatives').locator('li').count(), guesses.length);
  assert.equal(await isVisible(page, 'error'), false);
  await assertFits(page);

  await page.getByTestId('language').click();
  assert.equal(await shown(page, 'result-name'), '아는 꽃이 아니에요');

  const chooser = page.waitForEvent('filechooser');
  await page.getByTestId('another').click();
  assert.ok(await chooser);
});

onPage('offers another photo instead of one that will never be read', 'en', PHONE, async (page) => {
  await send(page, file('flower.jpg', Buffer.from('This is not a photo.')));
  await page.getByTestId('error').waitFor();
  assert.match(await shown(page, 'error-message'), /cannot be read as a photo/);
  assert.doesNotMatch(await shown(page, 'error'), /[{}]|urn:/);
  assert.equal(await isVisible(page, 'send'), false);
  assert.equal(await isVisible(page, 'retry'), false);
  assert.equal(await focused(page), 'instead');
  await assertFits(page);
  await page.getByTestId('language').click();
  assert.match(await shown(page, 'error-message'), /JPEG, PNG, WebP 사진을 골라 주세요/);

  const chooser = page.waitForEvent('filechooser');
  await page.getByTestId('instead').click();
  await (await chooser).setFiles(flower);
  assert.equal(await isVisible(page, 'error'), false);
  assert.equal(await isVisible(page, 'send'), true);
});

onPage('says that a file is too large without sending it', 'en', DESKTOP, async (page) => {
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.method()));
  // A path: as a buffer it would go through the browser's debugging protocol.
  const large = path.join(temporaryFolder({ after }), 'large.jpg');
  writeFileSync(large, Buffer.alloc(MAX_PHOTO_BYTES + 1));
  await page.locator('input[type=file]').setInputFiles(large);
  await page.getByTestId('send').click();
  await page.getByTestId('error').waitFor();
  assert.match(await shown(page, 'error-message'), /Up to 15 MB/);
  assert.ok(!asked.includes('POST'));
});

onPage('says while there is no connection, and tries again', 'en', PHONE, async (page) => {
  await page.context().setOffline(true);
  await page.getByTestId('offline').waitFor();
  await send(page, flower);
  await page.getByTestId('error').waitFor();
  assert.match(await shown(page, 'error-message'), /^No connection/);
  await page.context().setOffline(false);
  await page.getByTestId('offline').waitFor({ state: 'hidden' });
  await page.getByTestId('retry').click();
  await page.getByTestId('result').waitFor();
  assert.equal(await isVisible(page, 'error'), false);
});

onPage('names several photos at once, lists them, and goes back to each', 'en', PHONE, async (page) => {
  await page.locator('input[type=file]').setInputFiles([flower, noFlower, file('b.jpg', Buffer.from('no'))]);
  assert.equal(await page.locator('#hint').textContent(), '3 photos. Press the yellow magnifier.');
  await page.getByTestId('send').click();
  const cards = page.getByTestId('gallery').getByRole('button');
  await page.locator('[data-phase=done] >> nth=2').waitFor();
  const names = await cards.allTextContents();
  assert.deepEqual(names.slice(1), ['None of my flowers', 'Failed']);
  assert.equal(await page.locator('.no-picture').count(), 1);
  assert.equal(await shown(page, 'result-name'), names[0]);
  await assertFits(page);

  await cards.nth(2).click();
  assert.equal(await isVisible(page, 'error'), true);
  await cards.nth(1).click();
  assert.equal(await shown(page, 'result-name'), 'None of my flowers');
  assert.deepEqual(await page.locator('.alternative-share').allTextContents(), [], 'no shares in nothing');
  await page.getByTestId('close').click();
  assert.equal(await cards.count(), 2);
});

onPage('can be installed: manifest and icons are there, and allowed', 'ko', PHONE, async (page) => {
  const session = await page.context().newCDPSession(page);
  const { url, errors } = await session.send('Page.getAppManifest');
  assert.match(url, /manifest\.webmanifest$/);
  assert.deepEqual(errors, []);
  assert.equal((await page.request.get(`${web}/assets/touch-icon.png`)).status(), 200);
});

const CALLS: readonly [path: string, key: string, allowed: string][] = [
  ['/classify/image', '', '200 null'],
  ['/v1/classifications', '', '401 Bearer realm="bloomstack"'],
  ['/v1/classifications', 'x', '401 Bearer realm="bloomstack", error="invalid_token"'],
  ['/v1/classifications', KEY, '200 "photos";q=600;w=60'],
];
for (const host of ['127.0.0.1', 'localhost'])
  onPage(`a page of ${host} calls another origin, with and without keys`, 'en', DESKTOP, async (page) => {
    await page.goto(`${was.replace('127.0.0.1', host)}/health`);
    for (const [route, key, allowed] of CALLS) {
      const bearer = key === '' ? {} : { Authorization: `Bearer ${key}` };
      const headers = { 'Content-Type': 'image/jpeg', ...bearer };
      const said = await page.evaluate(
        async ({ url, bytes, headers }) => {
          const request = { method: 'POST', headers, body: Uint8Array.from(bytes) };
          const answer = await fetch(url, request).catch(() => undefined);
          const read = answer?.headers.get('WWW-Authenticate') ?? answer?.headers.get('RateLimit-Policy');
          return answer ? `${answer.status} ${read}` : 'no answer';
        },
        { url: keyed.url + route, bytes: [...flower.buffer], headers },
      );
      assert.equal(said, host === 'localhost' ? 'no answer' : allowed, `${route} with the key "${key}"`);
    }
  });

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** Asserts that nothing breaks a rule of WCAG 2.2, levels A and AA. */
const assertAccessible = async (page: Page, excused: readonly string[] = []): Promise<void> => {
  await page.evaluate(readFileSync(axe, 'utf8'));
  const rules = Object.fromEntries(excused.map((rule) => [rule, { enabled: false }]));
  const runOnly = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  const run = `axe.run(${JSON.stringify({ runOnly, rules })}).then((found) => found.violations)`;
  assert.deepEqual(await page.evaluate(run), []);
};

/** Rules that Swagger UI's own markup breaks. */
const EXCUSED = ['label', 'select-name', 'nested-interactive', 'scrollable-region-focusable'];

for (const colorScheme of ['light', 'dark'] as const) {
  onPage(`/docs tries a photo: ${colorScheme}`, 'en', { ...DESKTOP, colorScheme }, async (page) => {
    const errors: string[] = [];
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    await page.goto(`${web}/docs`);
    const operation = page.locator('.opblock').filter({ hasText: '/classify/image' });
    await operation.locator('.opblock-summary').click();
    await operation.locator('input[type=file]').setInputFiles(flower);
    await operation.getByRole('button', { name: 'Execute' }).click();
    await operation.locator('.live-responses-table').getByText('"predictions"').waitFor();
    await assertAccessible(page, EXCUSED);
    assert.deepEqual(errors, []);
  });
}

// Every pair of language, colours and size.
for (const [language, colorScheme, device] of [
  ['ko', 'light', PHONE],
  ['en', 'light', DESKTOP],
  ['en', 'dark', PHONE],
  ['ko', 'dark', DESKTOP],
] as const) {
  const name = `every page is accessible: ${language}, ${colorScheme}, ${device.viewport.width} pixels`;
  onPage(name, language, { ...device, colorScheme }, async (page) => {
    await assertAccessible(page);
    await send(page, flower, noFlower);
    await page.locator('[data-phase=done] >> nth=2').waitFor();
    await assertAccessible(page);
    await page.getByTestId('was-check-link').click();
    await page.getByTestId('was-check').click();
    const endpoint = page.locator('li[data-phase=connected] >> nth=2');
    assert.match((await endpoint.textContent()) ?? '', /✓ \d+ ms \d{14}/);
    assert.equal(await shown(page, 'was-answer'), '{"was-health":{"message":"WAS-Connected"}}');
    await assertFits(page);
    await assertAccessible(page);
  });
}
