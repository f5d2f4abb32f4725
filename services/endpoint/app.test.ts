import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { z } from 'zod';
import { PHOTO_BYTES, predictionSchema } from '../../model/contract/tensors.ts';
import { MAX_INVOCATION_BYTES } from './app.ts';
import { TEST_LABELS, TEST_VERSION, tinyEndpoint } from './tiny-endpoint.ts';

const photo = (value: number) => ({ b64: Buffer.alloc(PHOTO_BYTES, value).toString('base64') });

const prediction = predictionSchema
  .safeExtend({
    probabilities: z.array(z.number()).length(3),
    label: z.enum(TEST_LABELS),
    classes: z.tuple([z.literal('astilbe'), z.literal('bellflower'), z.literal('unheard_of_flower')]),
    model_version: z.literal(TEST_VERSION),
    known_score: z.number(),
  })
  .strict();
const rowAnswer = z.strictObject({ predictions: z.array(prediction) });
const columnAnswer = z.strictObject({
  outputs: z.object({
    probabilities: z.array(z.array(z.number()).length(3)),
    label: z.array(z.string()),
    model_version: z.array(z.string()),
  }),
});
const errorBody = z.strictObject({ error: z.string() });

let app: Awaited<ReturnType<typeof tinyEndpoint>>;
before(async () => {
  app = await tinyEndpoint();
});

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  app.request(path, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', ...headers },
  });

/** Every route to the model. */
const ROUTES = [
  '/endpoints/image-classifier/invocations',
  '/invocations',
  '/v1/models/image-classifier:predict',
  '/v1/models/image-classifier/versions/7:predict',
];

for (const route of ROUTES) {
  test(`${route} answers rows in the order of the photos, and columns with one list per output`, async () => {
    const rows = async (...instances: unknown[]) => {
      const { predictions } = rowAnswer.parse(await (await post(route, { instances })).json());
      return predictions.map(({ probabilities }) => probabilities.map((value) => value.toFixed(4)));
    };
    const [dark, bright] = [await rows(photo(0)), await rows({ photo: photo(200) })];
    assert.deepEqual(await rows(photo(0), photo(200)), [...dark, ...bright]);
    assert.notDeepEqual(dark, bright, 'the model must see the photo');
    for (const inputs of [[photo(90)], { photo: [photo(90)] }]) {
      const { outputs } = columnAnswer.parse(await (await post(route, { inputs })).json());
      const [probabilities = []] = outputs.probabilities;
      assert.equal(outputs.label[0], TEST_LABELS[probabilities.indexOf(Math.max(...probabilities))]);
      assert.deepEqual(outputs.model_version, [TEST_VERSION]);
    }
  });
}

describe('a request that the model cannot take', () => {
  const deep = `{"instances":[${'{"a":'.repeat(1e5)}1${'}'.repeat(1e5)}]}`;
  const cases: Record<string, [body: unknown, expected: RegExp]> = {
    text: ['not json', /^JSON Parse error: /],
    'an empty body': ['', /^JSON Parse error: /],
    'an input without end': [deep, /must be a string/],
    'empty photos': [{ instances: ['', ''] }, /batch is empty/],
    'not an object': ['[1]', /expected object/],
    'neither key': [{ photos: [] }, /one of the keys/],
    'both keys': [{ inputs: [], instances: [''] }, /one of the keys/],
    'instances that are not a list': [{ instances: 'x' }, /at instances/],
    'no instances': [{ instances: [] }, /at instances/],
    'no inputs': [{ inputs: [] }, /empty/],
    'a number': [{ instances: [3] }, /must be a string/],
    'bad base64': [{ instances: [{ b64: '*' }] }, /must be a string or \{"b64"/],
    'an unknown input': [{ instances: [{ image: photo(0) }] }, /must be a string/],
    'a short photo': [{ instances: [{ b64: 'AAAA' }] }, /with 3 values, .* requires a multiple of 150528$/],
    'photos of two lengths': [{ instances: [photo(0), { b64: 'AAAA' }] }, /element 1 has size 3 != 150528$/],
    'a list of lists': [{ inputs: [['', ''], ['']] }, /must be a string/],
    'nine photos': [{ instances: Array(9).fill('') }, /^Task size 9 is larger than maximum .* 8$/],
    'another signature': [{ signature_name: 'other', instances: [''] }, /at signature_name/],
  };
  for (const [name, [body, expected]] of Object.entries(cases)) {
    test(`${name}: 400`, async () => {
      const response = await post('/v1/models/image-classifier:predict', body);
      assert.equal(response.status, 400);
      assert.match(errorBody.parse(await response.json()).error, expected);
    });
  }
});

test('an unknown model or version is a 404, any other path a malformed request', async () => {
  const cases: Record<string, [status: number, error: string]> = {
    'other:predict': [404, 'Servable not found for request: Latest(other)'],
    'image-classifier/versions/8:predict': [
      404,
      'Servable not found for request: Specific(image-classifier, 8)',
    ],
    'image-classifier:dance': [400, 'Malformed request: POST /v1/models/image-classifier:dance'],
  };
  for (const [path, [status, error]] of Object.entries(cases)) {
    const response = await post(`/v1/models/${path}`, { instances: [photo(0)] });
    assert.equal(response.status, status);
    assert.deepEqual(await response.json(), { error });
  }
  for (const path of ['other', 'image-classifier/versions/8/metadata'])
    assert.equal((await app.request(`/v1/models/${path}`)).status, 404);
});

test('status and metadata describe the model', async () => {
  const get = async (path: string) => (await app.request(`/v1/models/image-classifier${path}`)).json();
  const status = { error_code: 'OK', error_message: '' };
  assert.deepEqual(await get(''), { model_version_status: [{ version: '7', state: 'AVAILABLE', status }] });
  const metadata = await get('/metadata');
  assert.deepEqual(await get('/versions/7/metadata'), metadata);
  assert.match(
    JSON.stringify(metadata),
    /"name":"image-classifier",.*"version":"7".*"serving_default":\{"inputs":\{"photo":\{"dtype":"DT_STRING","tensor_shape":\{"dim":\[\{"size":"-1"/,
  );
});

describe('the hosting contract', () => {
  test('content types other than JSON are a 415', async () => {
    for (const type of ['image/jpeg', 'text/plain', 'text/csv', 'application/jsonlines']) {
      const response = await post('/invocations', '{}', { 'Content-Type': type });
      const error = `Unsupported Media Type: ${type}`;
      assert.deepEqual([response.status, await response.json()], [415, { error }]);
    }
  });

  test('a bare JSON value becomes an instance', async () => {
    const response = await post('/invocations', JSON.stringify(photo(50)));
    assert.equal(rowAnswer.parse(await response.json()).predictions.length, 1);
  });

  test('a body over 6 MiB is a 413, with and without a Content-Length', async () => {
    const body = 'x'.repeat(MAX_INVOCATION_BYTES + 1);
    for (const headers of [{ 'Content-Length': String(body.length) }, { 'Transfer-Encoding': 'chunked' }]) {
      for (const route of ROUTES) {
        const response = await post(route, body, headers);
        assert.equal(response.status, 413);
        assert.match(errorBody.parse(await response.json()).error, /exceeded 6291456 bytes/);
      }
    }
  });
});

describe('InvokeEndpoint', () => {
  test('an unknown endpoint is a ValidationError', async () => {
    const response = await post('/endpoints/other/invocations', { instances: [photo(0)] });
    assert.equal(response.status, 400);
    assert.equal(response.headers.get('x-amzn-ErrorType'), 'ValidationError');
    assert.match(JSON.stringify(await response.json()), /Endpoint other of account \d{12} not found/);
  });

  test("the container's errors come back inside a ModelError", async () => {
    const modelError = z.strictObject({
      ...{ ErrorCode: z.literal('CLIENT_ERROR_FROM_MODEL'), OriginalStatusCode: z.int() },
      ...{ LogStreamArn: z.string(), Message: z.string(), OriginalMessage: z.string() },
    });
    for (const [type, status] of Object.entries({ 'application/json': 400, 'image/jpeg': 415 })) {
      const response = await post('/endpoints/image-classifier/invocations', '{}', { 'Content-Type': type });
      assert.equal(response.status, 424);
      assert.equal(response.headers.get('x-amzn-ErrorType'), 'ModelError');
      assert.equal(modelError.parse(await response.json()).OriginalStatusCode, status);
    }
  });
});
