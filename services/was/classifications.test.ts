import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import sharp from 'sharp';
import type { Accuracy } from '../../model/contract/catalogue.ts';
import { answerSchema, classificationsSchema, MAX_PHOTOS, modelSchema, problemSchema } from '../contract.ts';
import { ProblemError } from '../http/problem.ts';
import { createWasApp } from './app.ts';
import type { Classifier } from './classifier.ts';
import { CLASSIFICATION, fakeClassifier } from './fake-classifier.ts';
import { PhotoClassifier, type PhotoClassifierOptions } from './photo-classifier.ts';

const log = pino({ level: 'silent' });
const picture = (width: number) =>
  sharp({ create: { width, height: 40, channels: 3, background: '#8040c0' } });
const photo = await picture(64).png().toBuffer();
const turned = await picture(80).withMetadata({ orientation: 6 }).jpeg().toBuffer();
const text = Buffer.from('I am not a photo.');

/** Posts photos as a form, and notes the size of every batch that the model is given. */
const post = async (
  files: readonly Buffer[],
  {
    query = '',
    classifier = fakeClassifier(),
    ...options
  }: Partial<PhotoClassifierOptions> & { query?: string } = {},
) => {
  const batches: number[] = [];
  const noting: Classifier = {
    classify: (photos, call) => {
      batches.push(photos.length);
      return classifier.classify(photos, call);
    },
  };
  const body = new FormData();
  for (const file of files) body.append('files', new File([new Uint8Array(file)], 'photo'));
  const app = createWasApp({ log, photos: new PhotoClassifier({ ...options, classifier: noting }) });
  const response = await app.request(`/v1/classifications${query}`, { method: 'POST', body });
  return { response, batches };
};
const read = async (...args: Parameters<typeof post>) => {
  const { response, batches } = await post(...args);
  assert.equal(response.status, 200);
  return { ...classificationsSchema.parse(await response.json()), response, batches };
};
const codes = ({ results }: { results: Awaited<ReturnType<typeof read>>['results'] }) =>
  results.map((item) => ('problem' in item ? item.problem.code : item.result.label));

test('photos are answered in order, with their decoded size, and broken ones do not affect others', async () => {
  const files = [photo, text, turned, Buffer.alloc(0), photo.subarray(0, 60)];
  const { results, model, timings, response, ...rest } = await read(files);
  const known = 'black_eyed_susan';
  assert.deepEqual(codes({ results }), [known, 'unsupported-format', known, 'empty', 'unreadable']);
  assert.deepEqual(
    results.map((item) => [item.index, 'photo' in item ? item.photo : item.problem.status]),
    [
      [0, { width: 64, height: 40 }],
      [1, 415],
      [2, { width: 40, height: 80 }],
      [3, 400],
      [4, 422],
    ],
  );
  assert.deepEqual([rest.batches, model], [[2], { version: '42' }]);
  // Each is rounded to a tenth.
  assert.ok(Math.max(timings.receive + timings.decode, timings.invoke) < timings.total + 0.2);
  assert.match(response.headers.get('Server-Timing') ?? '', /^receive;dur=[\d.]+, decode;.*, total;dur=/);
});

test('32 photos go to the model eight at a time, two calls at once', async () => {
  let [atOnce, most] = [0, 0];
  const classifier: Classifier = {
    classify: async (photos) => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await new Promise((resolve) => setTimeout(resolve, 20));
      atOnce -= 1;
      return photos.map(() => CLASSIFICATION);
    },
  };
  const { results, batches } = await read(Array(MAX_PHOTOS).fill(photo), { classifier });
  assert.equal(results.length, MAX_PHOTOS);
  assert.deepEqual(batches, [8, 8, 8, 8]);
  assert.ok(most <= 2);
});

test('a failing batch is retried once; then only its photos have a problem', async () => {
  const failing = (times: number): Classifier => ({
    classify: async (photos) => {
      if (photos.length === 8 && times-- > 0)
        throw new ProblemError('endpoint-unavailable', 'Away. Try again.', { retryAfter: 2 });
      return photos.map(() => CLASSIFICATION);
    },
  });
  const nine = Array<Buffer>(9).fill(photo);
  const { batches, ...answer } = await read(nine, { classifier: failing(1) });
  assert.deepEqual(new Set(codes(answer)), new Set(['black_eyed_susan']));
  assert.deepEqual(batches.toSorted(), [1, 8, 8]);
  const { results } = await read(nine, { classifier: failing(2) });
  assert.deepEqual(codes({ results }).slice(7), ['endpoint-unavailable', 'black_eyed_susan']);
  assert.equal(results[0] && 'problem' in results[0] && results[0].problem.retryAfter, 2);
});

test('top and map choose what is answered', async () => {
  const map = [[0, 1]];
  const cases = { '': [3, undefined], '?top=1&map=false': [1, undefined], '?top=100&map=true': [3, map] };
  const classifier = fakeClassifier({ ...CLASSIFICATION, map });
  const app = createWasApp({ log, photos: new PhotoClassifier({ classifier }) });
  const headers = { 'Content-Type': 'image/png' };
  for (const [query, expected] of Object.entries(cases)) {
    const [item] = (await read([photo], { query, classifier })).results;
    assert.ok(item && 'result' in item);
    assert.deepEqual([item.result.predictions.length, item.map], expected, query);
    const body = new Uint8Array(photo);
    const one = await app.request(`/classify/image${query}`, { method: 'POST', headers, body });
    assert.deepEqual(answerSchema.parse(await one.json()).map, expected[1]);
  }
});

test('JSON is answered too, and invalid base64 is a problem of that photo only', async () => {
  const body = JSON.stringify({ images: [photo.toString('base64'), 'https://example.org/a.jpg'] });
  const request = { method: 'POST', body, headers: { 'Content-Type': 'application/json' } };
  const response = await createWasApp({
    log,
    photos: new PhotoClassifier({ classifier: fakeClassifier() }),
  }).request('/v1/classifications', request);
  const answer = classificationsSchema.parse(await response.json());
  assert.deepEqual(codes(answer), ['black_eyed_susan', 'malformed-body']);
});

const refused: Record<string, [files: Buffer[], query: string, status: number, code: string]> = {
  'no photo': [[], '', 400, 'missing-photo'],
  '33 photos': [Array(MAX_PHOTOS + 1).fill(text), '', 400, 'too-many-photos'],
  '65 MiB': [Array(13).fill(Buffer.alloc(5 * 2 ** 20)), '', 413, 'too-large'],
  'top=x': [[photo], '?top=x', 400, 'malformed-request'],
  'map=1': [[photo], '?map=1', 400, 'malformed-request'],
};
for (const [name, [files, query, status, code]] of Object.entries(refused)) {
  test(`${name} is refused as a whole: ${status} ${code}`, async () => {
    const { response, batches } = await post(files, { query });
    const problem = problemSchema.parse(await response.json());
    assert.deepEqual([response.status, problem.code, batches], [status, code, []]);
  });
}

test('a bug is a 500 that reveals no internals, not a problem of a photo', async () => {
  const classifier = { classify: () => Promise.reject(new TypeError('secret of the inside')) };
  const { response } = await post([photo], { classifier });
  const problem = problemSchema.parse(await response.json());
  assert.deepEqual([response.status, problem.code], [500, 'internal']);
  assert.doesNotMatch(JSON.stringify(problem), /secret/);
});

test('GET /v1/model uses the latest answer, or the answer for a blank photo', async () => {
  let version = '1';
  let calls = 0;
  const title = { en: 'Cups', ko: '컵' };
  const accuracy: Accuracy = { value: 0.9, interval: [0.8, 0.95], photos: 100 };
  const classifier: Classifier = {
    classify: async (photos) => {
      calls += 1;
      if (version === '') throw new ProblemError('endpoint-unavailable', 'Away.');
      const words = { ...CLASSIFICATION.words, model: { title, accuracy } };
      return photos.map(() => ({ ...CLASSIFICATION, words, modelVersion: version }));
    },
  };
  const app = createWasApp({ log, photos: new PhotoClassifier({ classifier }) });
  const ask = async () => modelSchema.parse(await (await app.request('/v1/model')).json());
  const first = await ask();
  assert.deepEqual(
    [first.version, first.title, first.hint, first.accuracy],
    ['1', title, undefined, accuracy],
  );
  assert.deepEqual(first.classes[0], { no: 0, label: 'astilbe', names: { en: 'Astilbe', ko: '아스틸베' } });
  assert.equal(first.limits.photosPerRequest, MAX_PHOTOS);
  assert.deepEqual([(await ask()).version, calls], ['1', 1]);
  version = '2';
  const headers = { 'Content-Type': 'image/png' };
  await app.request('/classify/image', { method: 'POST', body: new Uint8Array(photo), headers });
  assert.deepEqual([(await ask()).version, calls], ['2', 2]);
  version = '';
  const away = createWasApp({ log, photos: new PhotoClassifier({ classifier }) });
  assert.equal((await away.request('/v1/model')).status, 503);
});
