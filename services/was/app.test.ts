import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { pino } from 'pino';
import sharp from 'sharp';
import { PHOTO_BYTES } from '../../model/contract/tensors.ts';
import { answerSchema, MAX_BODY_BYTES, problemSchema } from '../contract.ts';
import { createWasApp } from './app.ts';
import type { Classifier } from './classifier.ts';
import { CLASSIFICATION, fakeClassifier } from './fake-classifier.ts';
import { PhotoClassifier } from './photo-classifier.ts';

const log = pino({ level: 'silent' });
const seen: Uint8Array[] = [];
const classifier: Classifier = {
  classify: (photos) => {
    seen.push(...photos);
    return fakeClassifier().classify(photos);
  },
};
const app = createWasApp({ log, photos: new PhotoClassifier({ classifier }) });

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
  const { no, name, acc, known, model } = result;
  assert.deepEqual(
    { no, name, acc, known, model },
    { no: 1, name: 'Black-eyed Susan', acc: 0.7, known: true, model: { version: '42' } },
  );
  assert.match(result.description, /Rudbeckia/);
  assert.deepEqual(
    result.predictions.map(({ label }) => label),
    ['black_eyed_susan', 'astilbe', 'unheard_of_flower'],
  );
  assert.deepEqual(result.predictions[1]?.names, { en: 'Astilbe', ko: '아스틸베' });
});

test('a photo of something else names no flower, and still lists what the model would have guessed', async () => {
  const photos = new PhotoClassifier({ classifier: fakeClassifier({ ...CLASSIFICATION, known: false }) });
  const unsure = createWasApp({ log, photos });
  for (const [language, name, description] of [
    ['en-GB,ko;q=0.5', 'None of my flowers', /I know: Astilbe, Black-eyed Susan, Unheard of flower\. Try/],
    ['ko-KR,ko;q=0.9', '아는 꽃이 아니에요', /아스틸베, 루드베키아/],
  ] as const) {
    const headers = { 'Accept-Language': language };
    const response = await unsure.request('/classify/image', { method: 'POST', body: form(jpeg), headers });
    const { result } = answerSchema.parse(await response.json());
    assert.deepEqual([result.known, result.no, result.acc, result.name], [false, -1, 0, name]);
    assert.match(result.description, description);
    assert.equal(result.translations.en.name, 'None of my flowers');
    assert.deepEqual(
      result.predictions.map(({ acc }) => acc),
      [0.7, 0.2, 0.1],
    );
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

describe('input that cannot be classified is refused with a problem that says what to do', () => {
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
    'a form whose file was not chosen': [() => post(form(Buffer.alloc(0), '')), 400, 'missing-photo'],
    'no Content-Type': [() => post(new Uint8Array(jpeg)), 415, 'unsupported-content-type'],
    'a compressed body': [() => post(gzipSync(jpeg), gzip), 415, 'unsupported-content-type'],
    'no JSON': [() => post('{', JSON_TYPE), 400, 'malformed-body'],
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

test('health and root answer as the original did', async () => {
  assert.deepEqual(await (await app.request('/health')).json(), { message: 'WAS-Connected' });
  assert.deepEqual(await (await app.request('/')).json(), { message: 'connected' });
});
