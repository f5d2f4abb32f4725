import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { Language } from '../../model/contract/catalogue.ts';
import { screenshot } from '../../model/out-of-distribution/drawings.ts';
import { drawFile } from '../../model/out-of-distribution/pictures.ts';
import { MAX_PHOTO_BYTES } from '../../model/photo/format.ts';
import { type Answer, answerSchema } from '../../services/contract.ts';
import { FREE_PORTS, launch } from '../launch.ts';
import { need } from '../requirements.ts';
import {
  drawFlower,
  findChromium,
  flowerPhotos,
  launchChromium,
  MISSING_CHROMIUM,
  type Photo,
} from './browser.ts';

const executablePath = findChromium();
const options = need('chromium', executablePath, MISSING_CHROMIUM);

const DESKTOP = { viewport: { width: 1280, height: 800 } };
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const LOCALES: Readonly<Record<Language, string>> = { ko: 'ko-KR', en: 'en-GB' };

let system: ReturnType<typeof launch>;
let web: string;
let browser: Browser;

before(async () => {
  if (executablePath === undefined) return;
  system = launch('scripts/start.ts', [], FREE_PORTS);
  web = await system.until(/Ready: open (\S+)/);
  browser = await launchChromium(executablePath);
});

after(async () => {
  await browser?.close();
  if (system) assert.equal(await system.end('SIGINT'), 0);
});

/** Opens the page, and closes it after `visit`. */
const visitPage = async (
  language: Language,
  device: BrowserContextOptions,
  visit: (page: Page) => Promise<void>,
) => {
  const context = await browser.newContext({ locale: LOCALES[language], ...device });
  try {
    const page = await context.newPage();
    await page.goto(web);
    await visit(page);
  } finally {
    await context.close();
  }
};

/** A page on a screen: what the model must not take for a flower. */
const drawScreenshot = async (): Promise<Photo> => ({
  name: 'screenshot.jpg',
  mimeType: 'image/jpeg',
  buffer: await drawFile(screenshot, 1),
});

const shown = async (page: Page, id: string) => (await page.getByTestId(id).textContent()) ?? '';

/** Picks the photo, presses the magnifier, waits for the result. */
const classify = async (page: Page, photo: Photo): Promise<Answer['result']> => {
  await page.locator('input[type=file]').setInputFiles(photo);
  await page.getByTestId('preview').waitFor();
  const answered = page.waitForResponse((response) => response.url().endsWith('/classify/image'));
  await page.getByTestId('send').click();
  const { result } = answerSchema.parse(await (await answered).json());
  await page.getByTestId('result').waitFor();
  return result;
};

/** Picks the file, presses the magnifier, waits for the message that it is refused. */
const refuse = async (page: Page, name: string, mimeType: string, buffer: Buffer): Promise<void> => {
  await page.locator('input[type=file]').setInputFiles({ name, mimeType, buffer });
  await page.getByTestId('send').click();
  await page.getByTestId('error').waitFor();
};

const overflow = (page: Page): Promise<unknown> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');

test(
  'names a flower in both languages, without errors and without asking anybody else',
  options,
  async () => {
    await visitPage('ko', DESKTOP, async (page) => {
      const errors: string[] = [];
      const urls: string[] = [];
      page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
      page.on('pageerror', (error) => errors.push(error.message));
      page.on('request', (request) => urls.push(request.url()));
      await page.reload();

      const { translations, acc, model } = await classify(page, await drawFlower());
      assert.equal(await shown(page, 'result-name'), translations.ko.name);
      assert.equal(await shown(page, 'result-description'), translations.ko.description);
      assert.ok(Math.abs(Number.parseFloat(await shown(page, 'result-confidence')) / 100 - acc) < 0.002);
      assert.ok((await shown(page, 'result-model')).includes(model.version));
      assert.equal(await page.evaluate('document.activeElement.id'), 'result-name');

      await page.getByTestId('language').click();
      assert.equal(await shown(page, 'result-name'), translations.en.name);
      assert.equal(await shown(page, 'result-description'), translations.en.description);
      assert.equal(await page.locator('html').getAttribute('lang'), 'en');

      await page.reload();
      assert.equal(await page.locator('html').getAttribute('lang'), 'en', 'the choice is remembered');
      assert.deepEqual(errors, []);
      assert.ok(urls.length > 5);
      const elsewhere = urls.filter((url) => !url.startsWith(`${web}/`) && !url.startsWith('blob:'));
      assert.deepEqual(elsewhere, []);
    });
  },
);

const photos = await flowerPhotos();
need(
  'flowers',
  photos.size > 0 ? photos : undefined,
  'set FLOWERS_DIR to a folder with one folder of photos per class.',
);

for (const [label, photo] of photos) {
  test(`recognises a photo of ${label}`, options, async () => {
    await visitPage('en', DESKTOP, async (page) => {
      const result = await classify(page, photo);
      assert.equal(result.known, true);
      assert.equal(result.label, label);
      assert.equal(await page.getByTestId('result-sure').isVisible(), true);
      assert.equal(await shown(page, 'result-name'), result.translations.en.name);
    });
  });
}

test('says of a screenshot that it shows none of the flowers, and offers another try', options, async () => {
  await visitPage('en', PHONE, async (page) => {
    const { known, no, predictions } = await classify(page, await drawScreenshot());
    assert.deepEqual({ known, no }, { known: false, no: -1 });
    assert.equal(await shown(page, 'result-name'), 'None of my flowers');
    assert.equal(await page.evaluate('document.activeElement.id'), 'result-name');
    assert.equal(await page.getByTestId('result-sure').isVisible(), false, 'no confidence in nothing');
    const guesses = predictions.filter(({ acc }) => acc >= 0.0095);
    assert.equal(await page.getByTestId('result-alternatives').locator('li').count(), guesses.length);
    assert.equal(await page.getByTestId('error').isVisible(), false);
    assert.equal(await overflow(page), 0);

    await page.getByTestId('language').click();
    assert.equal(await shown(page, 'result-name'), '아는 꽃이 아니에요');

    const chooser = page.waitForEvent('filechooser');
    await page.getByTestId('another').click();
    assert.ok(await chooser);
  });
});

for (const [shares, alternatives] of [
  [[0.7, 0.29, 0.004], ['29%']],
  [[0.995, 0.004, 0.001], []],
] as const) {
  test(`shows ${alternatives.length} alternatives to shares of ${shares.join(', ')}`, options, async () => {
    await visitPage('en', DESKTOP, async (page) => {
      await page.route('**/classify/image', async (route) => {
        const response = await route.fetch();
        const { result } = answerSchema.parse(await response.json());
        const [prediction] = result.predictions;
        assert.ok(prediction);
        const predictions = shares.map((acc) => ({ ...prediction, acc }));
        await route.fulfill({ response, json: { result: { ...result, known: true, predictions } } });
      });
      await classify(page, await drawFlower());
      const list = page.getByTestId('result-alternatives');
      assert.deepEqual(await list.locator('.alternative-share').allTextContents(), alternatives);
      assert.equal(await page.getByText('It could also be').isVisible(), alternatives.length > 0);
    });
  });
}

test('explains in words that a text file is no photo', options, async () => {
  await visitPage('en', DESKTOP, async (page) => {
    await refuse(page, 'flower.jpg', 'image/jpeg', Buffer.from('This is not a photo.'));
    assert.match(await shown(page, 'error-message'), /cannot be read as a photo/);
    assert.doesNotMatch(await shown(page, 'error'), /[{}]|urn:/);
    await page.getByTestId('language').click();
    assert.match(await shown(page, 'error-message'), /JPEG, PNG, WebP 사진을 골라 주세요/);
    assert.equal(await page.getByTestId('retry').isVisible(), false);
  });
});

test('offers another photo instead of one that will never be read', options, async () => {
  await visitPage('en', PHONE, async (page) => {
    await refuse(page, 'flower.txt', 'text/plain', Buffer.from('This is not a photo.'));
    assert.equal(await page.getByTestId('send').isVisible(), false);
    assert.equal(await page.evaluate('document.activeElement.id'), 'instead');
    assert.equal(await overflow(page), 0);
    const chooser = page.waitForEvent('filechooser');
    await page.getByTestId('instead').click();
    await (await chooser).setFiles(await drawFlower());
    assert.equal(await page.getByTestId('error').isVisible(), false);
    assert.equal(await page.getByTestId('send').isVisible(), true);
  });
});

test('says that a file is too large without sending it', options, async () => {
  await visitPage('en', DESKTOP, async (page) => {
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.method()));
    await refuse(page, 'large.jpg', 'image/jpeg', Buffer.alloc(MAX_PHOTO_BYTES + 1));
    assert.match(await shown(page, 'error-message'), /Up to 15 MB/);
    assert.ok(!asked.includes('POST'));
  });
});

test('says that there is no connection, and tries again', options, async () => {
  await visitPage('en', DESKTOP, async (page) => {
    await page.locator('input[type=file]').setInputFiles(await drawFlower());
    await page.context().setOffline(true);
    await page.getByTestId('send').click();
    await page.getByTestId('error').waitFor();
    assert.match(await shown(page, 'error-message'), /^No connection/);
    await page.context().setOffline(false);
    await page.getByTestId('retry').click();
    await page.getByTestId('result').waitFor();
    assert.equal(await page.getByTestId('error').isVisible(), false);
  });
});

test('names several photos at once, lists them, and goes back to each', options, async () => {
  await visitPage('en', PHONE, async (page) => {
    const broken = { name: 'b.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no photo') };
    await page
      .locator('input[type=file]')
      .setInputFiles([await drawFlower(), await drawScreenshot(), broken]);
    assert.equal(await page.locator('#hint').textContent(), '3 photos. Press the yellow magnifier.');
    await page.getByTestId('send').click();
    const cards = page.getByTestId('gallery').getByRole('button');
    await page.locator('[data-phase=done] >> nth=2').waitFor();
    const names = await cards.allTextContents();
    assert.deepEqual(names.slice(1), ['None of my flowers', 'Failed']);
    assert.equal(await shown(page, 'result-name'), names[0]);
    assert.equal(await overflow(page), 0);

    await cards.nth(2).click();
    assert.equal(await page.getByTestId('error').isVisible(), true);
    await cards.nth(1).click();
    assert.equal(await shown(page, 'result-name'), 'None of my flowers');
    assert.deepEqual(await page.locator('.alternative-share').allTextContents(), [], 'no shares in nothing');
    await page.getByTestId('close').click();
    assert.equal(await cards.count(), 2);
  });
});

test('says that it is offline as long as it is', options, async () => {
  await visitPage('en', PHONE, async (page) => {
    await page.context().setOffline(true);
    await page.getByTestId('offline').waitFor();
    await page.context().setOffline(false);
    await page.getByTestId('offline').waitFor({ state: 'hidden' });
  });
});

test('can be installed: manifest and icons are there, and allowed', options, async () => {
  await visitPage('ko', PHONE, async (page) => {
    const session = await page.context().newCDPSession(page);
    const { url, errors } = await session.send('Page.getAppManifest');
    assert.match(url, /manifest\.webmanifest$/);
    assert.deepEqual(errors, []);
    assert.equal((await page.request.get(`${web}/assets/touch-icon.png`)).status(), 200);
  });
});

test('closes a photo and gives the focus back to the camera', options, async () => {
  await visitPage('en', DESKTOP, async (page) => {
    await page.locator('input[type=file]').setInputFiles(await drawFlower());
    await page.getByTestId('close').click();
    assert.equal(await page.getByTestId('preview').isVisible(), false);
    assert.equal(await page.evaluate('document.activeElement.id'), 'choose');
  });
});

for (const language of ['ko', 'en'] as const) {
  test(`fits a phone in ${language}, from the empty page to the result`, options, async () => {
    await visitPage(language, PHONE, async (page) => {
      assert.equal(await overflow(page), 0);
      await classify(page, await drawFlower());
      assert.equal(await overflow(page), 0);
    });
  });
}

test('the WAS check page says that the WAS is connected', options, async () => {
  await visitPage('ko', PHONE, async (page) => {
    await page.getByRole('link', { name: 'WAS 접속 확인 페이지' }).click();
    await page.getByRole('button', { name: 'WAS 접속 확인' }).click();
    await page.getByTestId('was-answer').waitFor();
    assert.equal(await shown(page, 'was-answer'), '{"was-health":{"message":"WAS-Connected"}}');
    assert.equal(await overflow(page), 0);
  });
});
