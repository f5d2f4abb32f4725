import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { pino } from 'pino';
import sharp from 'sharp';
import { PHOTO_BYTES } from '../../model/contract/tensors.ts';
import { answerSchema, MAX_BODY_BYTES, problemSchema } from '../contract.ts';
import { createWasApp } from './app.ts';
import type { Classifier } from './classifier.ts';
import { CLASSIFICATION, saying } from './fake-classifier.ts';
import { WorkQueue } from './queue.ts';

const log = pino({ level: 'silent' });
const seen: Uint8Array[] = [];
const classifier: Classifier = {
  classify: (photos) => {
    seen.push(...photos);
    return saying().classify(photos);
  },
};
const app = createWasApp({ log, classifier });

const picture = sharp({ create: { width: 300, height: 200, channels: 3, background: '#8040c0' } });
const [jpeg, png, webp] = await Promise.all([
  picture.clone().jpeg().toBuffer(),
  picture.clone().png().toBuffer(),
  picture.clone().webp().toBuffer(),
]);

const form = (files: Buffer | Buffer[], name = 'photo.jpg', field = 'file') => {
  const body = new FormData();
  for (const file of [files].flat()) body.append(field, new File([new Uint8Array(file)], name));
  return body;
};
const post = (body: FormData | Uint8Array<ArrayBuffer> | string, headers: Record<string, string> = {}) =>
  app.request('/classify/image', { method: 'POST', body, headers });
const postJson = (value: unknown) => post(JSON.stringify(value), { 'Content-Type': 'application/json' });

const readProblem = async (response: Response) => {
  assert.equal(response.headers.get('Content-Type'), 'application/problem+json');
  const problem = problemSchema.parse(await response.json());
  assert.equal(problem.status, response.status);
  return problem;
};

test('the answer keeps the fields of the original API and ranks every class', async () => {
  const { result } = answerSchema.parse(await (await post(form(jpeg))).json());
  assert.equal(result.no, 1);
  assert.equal(result.name, 'Black-eyed Susan');
  assert.equal(result.acc, 0.7);
  assert.match(result.description, /Rudbeckia/);
  assert.deepEqual(
    result.predictions.map(({ label }) => label),
    ['black_eyed_susan', 'astilbe', 'unheard_of_flower'],
  );
  assert.deepEqual(result.predictions[1]?.names, { en: 'Astilbe', ko: '아스틸베' });
  assert.equal(result.model.version, '42');
  assert.equal(result.known, true);
});

test('a photo of something else names no flower, and still lists what the model would have guessed', async () => {
  const unsure = createWasApp({ log, classifier: saying({ ...CLASSIFICATION, known: false }) });
  const words = {
    en: ['None of my flowers', /I know: Astilbe, Black-eyed Susan, Unheard of flower\. Try another/],
    ko: ['아는 꽃이 아니에요', /아스틸베, 루드베키아/],
  } as const;
  for (const [language, [name, description]] of Object.entries(words)) {
    const headers = { 'Accept-Language': language };
    const response = await unsure.request('/classify/image', { method: 'POST', body: form(jpeg), headers });
    const { result } = answerSchema.parse(await response.json());
    const { known, no, acc } = result;
    assert.deepEqual({ known, no, acc, name: result.name }, { known: false, no: -1, acc: 0, name });
    assert.match(result.description, description);
    assert.equal(result.translations.en.name, words.en[0]);
    assert.deepEqual(
      result.predictions.map((prediction) => prediction.acc),
      [0.7, 0.2, 0.1],
    );
    assert.equal(result.model.version, '42');
  }
});

test('the language follows Accept-Language, and English is the default', async () => {
  const names = { 'ko-KR,ko;q=0.9,en;q=0.8': '루드베키아', 'en-GB,ko;q=0.5': 'Black-eyed Susan' };
  for (const [language, name] of Object.entries(names)) {
    const response = await post(form(jpeg), { 'Accept-Language': language });
    assert.equal(answerSchema.parse(await response.json()).result.name, name);
  }
});

test('the model is given 224 x 224 RGB, however the photo was sent', async () => {
  seen.length = 0;
  const base64 = png.toString('base64');
  const requests = [
    post(form(jpeg)),
    post(form(png, 'claims-to-be.txt')),
    post(new Uint8Array(webp), { 'Content-Type': 'image/webp' }),
    post(new Uint8Array(png), { 'Content-Type': 'image/jpeg' }),
    post(new Uint8Array(jpeg), { 'Content-Type': 'application/octet-stream' }),
    postJson({ image: base64 }),
    postJson({ image: `data:image/png;base64,${base64}` }),
    post(new Uint8Array(png), { 'Content-Type': 'image/png', 'Content-Encoding': 'Identity' }),
  ];
  for (const response of await Promise.all(requests)) assert.equal(response.status, 200);
  assert.equal(seen.length, requests.length);
  for (const pixels of seen) {
    assert.equal(pixels.byteLength, PHOTO_BYTES);
    [0x80, 0x40, 0xc0].forEach((value, channel) => assert.ok(Math.abs((pixels[channel] ?? 0) - value) < 8));
  }
});

describe('what cannot be classified is refused with a problem that says what to do', () => {
  const text = Buffer.from('I am not a photo.');
  const JSON_TYPE = { 'Content-Type': 'application/json' };
  const gzip = { 'Content-Type': 'image/jpeg', 'Content-Encoding': 'gzip' };
  const formType = { 'Content-Type': 'multipart/form-data; boundary=x' };
  const noEnd = '--x\r\nContent-Disposition: form-data; name="file"';
  const chunked = { 'Content-Type': 'image/jpeg', 'Transfer-Encoding': 'chunked' };
  const cases: Record<string, [request: () => Response | Promise<Response>, status: number, code: string]> = {
    'a text file': [() => post(form(text)), 415, 'unsupported-format'],
    'an empty file': [() => post(form(Buffer.alloc(0))), 400, 'empty'],
    'a truncated JPEG': [() => post(form(jpeg.subarray(0, jpeg.length / 2))), 422, 'unreadable'],
    'no file in the form': [() => post(form(jpeg, 'a.jpg', 'photo')), 400, 'missing-photo'],
    'two photos in the field': [() => post(form([jpeg, png])), 400, 'too-many-photos'],
    'film and photo of a Live Photo': [
      () => post(form([Buffer.alloc(20_000), jpeg])),
      400,
      'too-many-photos',
    ],
    'a form whose file was not chosen': [() => post(form(Buffer.alloc(0), '')), 400, 'missing-photo'],
    'no Content-Type': [() => post(new Uint8Array(jpeg)), 415, 'unsupported-content-type'],
    'a compressed body': [() => post(gzipSync(jpeg), gzip), 415, 'unsupported-content-type'],
    'no JSON': [() => post('{', JSON_TYPE), 400, 'malformed-body'],
    'a list of images': [() => postJson({ image: ['AAAA'] }), 400, 'missing-photo'],
    'an image that is not base64': [() => postJson({ image: 'a*b' }), 400, 'malformed-body'],
    'a form without an end': [() => post(noEnd, formType), 400, 'malformed-body'],
    'a photo over 15 MiB': [() => post(form(Buffer.alloc(15 * 2 ** 20 + 1))), 413, 'too-large'],
    'too much, unannounced': [() => post(new Uint8Array(MAX_BODY_BYTES + 1), chunked), 413, 'too-large'],
  };
  for (const [name, [request, status, code]] of Object.entries(cases)) {
    test(`${name}: ${status} ${code}`, async () => {
      const response = await request();
      const problem = await readProblem(response);
      assert.deepEqual([problem.status, problem.code], [status, code]);
      assert.match(problem.detail, /\. .*|\.$/);
      assert.ok(problem.requestId);
      assert.equal(response.headers.get('X-Request-Id'), problem.requestId);
    });
  }
});

test('health and root answer as the original did, other methods with a problem', async () => {
  assert.deepEqual(await (await app.request('/health')).json(), { message: 'WAS-Connected' });
  assert.deepEqual(await (await app.request('/')).json(), { message: 'connected' });
  const wrongMethod = await app.request('/classify/image');
  assert.equal(wrongMethod.headers.get('Allow'), 'POST');
  assert.equal((await readProblem(wrongMethod)).status, 405);
});

test('requests beyond those allowed at once are asked to come back', async () => {
  const waiting: (() => void)[] = [];
  const slow = createWasApp({
    log,
    invocations: new WorkQueue({ places: 2, paceMs: 20 }),
    maxWaitMs: 0,
    classifier: { classify: () => new Promise((resolve) => waiting.push(() => resolve([CLASSIFICATION]))) },
  });
  const send = () => slow.request('/classify/image', { method: 'POST', body: form(jpeg) });
  const accepted = [send(), send()];
  while (waiting.length < 2) await new Promise((resolve) => setImmediate(resolve));
  const refused = await send();
  assert.match(refused.headers.get('Retry-After') ?? '', /^[1-9]$/);
  assert.equal((await readProblem(refused)).code, 'overloaded');
  for (const release of waiting) release();
  for (const response of await Promise.all(accepted)) assert.equal(response.status, 200);
});

test('a bug of ours is a 500 that reveals nothing of the inside', async () => {
  const broken = createWasApp({
    log,
    classifier: { classify: () => Promise.reject(new TypeError('secret of the inside')) },
  });
  const response = await broken.request('/classify/image', { method: 'POST', body: form(jpeg) });
  const problem = await readProblem(response);
  assert.equal(problem.code, 'internal');
  assert.doesNotMatch(JSON.stringify(problem), /secret/);
});
