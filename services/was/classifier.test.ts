import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { pino } from 'pino';
import { PHOTO_BYTES } from '../../model/contract/tensors.ts';
import { BATCHING } from '../../model/serving/settings.ts';
import { MAX_BATCH_SIZE } from '../contract.ts';
import { tinyEndpoint } from '../endpoint/tiny-endpoint.ts';
import { ProblemError } from '../http/problem.ts';
import { type RunningServer, startServer } from '../http/server.ts';
import { createSageMakerClassifier } from './classifier.ts';
import { RuntimeClient } from './runtime-client.ts';

const photo = new Uint8Array(PHOTO_BYTES).fill(120);

const LOCAL_CREDENTIALS = async () => ({ accessKeyId: 'test', secretAccessKey: 'test' });

/** The real SDK client, pointed at an address of ours. */
const classifierAt = (
  endpoint: string,
  { endpointName = 'image-classifier', timeoutMs = 20_000, credentials = LOCAL_CREDENTIALS } = {},
) => {
  const client = new RuntimeClient({ endpoint, region: 'ap-northeast-2', credentials, maxAttempts: 1 });
  const classifier = createSageMakerClassifier({ client, endpointName, timeoutMs });
  const classify = async (pixels: Uint8Array, options?: { readonly signal?: AbortSignal }) => {
    const [answer] = await classifier.classify([pixels], options);
    return answer ?? assert.fail('no answer');
  };
  return { classify, classifyAll: classifier.classify };
};

const expectProblem = async (work: Promise<unknown>): Promise<ProblemError> => {
  const error: unknown = await work.then(
    () => assert.fail('expected a problem'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ProblemError, String(error));
  return error;
};

describe('with the endpoint emulator', () => {
  let server: RunningServer;
  before(async () => {
    const { fetch } = await tinyEndpoint();
    server = await startServer({ fetch, port: 0, hostname: '127.0.0.1', log: pino({ level: 'silent' }) });
  });
  after(() => server.stop(0));

  test('a photo is classified over the SageMaker Runtime protocol', async () => {
    const { classes, modelVersion, words } = await classifierAt(server.url).classify(photo);
    assert.deepEqual(
      classes.map(({ label }) => label),
      ['astilbe', 'bellflower', 'unheard_of_flower'],
    );
    assert.ok(Math.abs(classes.reduce((sum, { probability }) => sum + probability, 0) - 1) < 1e-5);
    assert.equal(modelVersion, '7');
    assert.deepEqual(classes[2]?.names, { en: 'Unheard of flower', ko: 'Unheard of flower' });
    assert.match(words.description.en, /\.$/);
  });

  test('a full batch is answered, a larger one refused', async () => {
    const photos = Array<Uint8Array>(MAX_BATCH_SIZE).fill(photo);
    const { classifyAll } = classifierAt(server.url);
    assert.equal((await classifyAll(photos)).length, BATCHING.maxBatchSize);
    assert.equal((await expectProblem(classifyAll([...photos, photo]))).code, 'model-failed');
  });

  test('an endpoint that does not exist yet is unavailable, and the problem says why', async () => {
    const problem = await expectProblem(classifierAt(server.url, { endpointName: 'other' }).classify(photo));
    assert.equal(problem.code, 'endpoint-unavailable');
    assert.match(problem.message, /not been deployed/);
    assert.equal(problem.headers['Retry-After'], '2');
  });
});

describe('with a scripted server', () => {
  type Answer = { status: number; headers?: Record<string, string>; body: string } | 'nothing' | 'broken';
  let answer: Answer;
  const row = { probabilities: [1], classes: ['rose'], model_version: '1' };
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request.resume());
    if (answer === 'broken') response.destroy();
    if (typeof answer === 'string') return;
    const { status, headers, body } = answer;
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(body);
  });
  let url = '';
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    url = `http://127.0.0.1:${address.port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const failing = (type: string, status: number, body: object = { message: 'x' }) =>
    ({ status, headers: { 'x-amzn-ErrorType': type }, body: JSON.stringify(body) }) as const;
  const unavailable: Record<string, [says: Answer | 'refused', retryAfter: string, message: RegExp]> = {
    'an endpoint that refuses connections': ['refused', '2', /cannot be reached/],
    'a connection that breaks': ['broken', '2', /broke/],
    'no answer': ['nothing', '2', /did not answer in time/],
    'too many requests': [failing('ThrottlingException', 429), '1', /more requests than it is allowed/],
    'a model that loads': [failing('ModelNotReadyException', 429), '5', /still loading/],
    'an error of AWS': [failing('InternalDependencyException', 530), '2', /with an error/],
    'a missing right': [failing('AccessDeniedException', 403), '2', /error \(AccessDeniedException\)/],
  };
  for (const [name, [says, retryAfter, message]] of Object.entries(unavailable)) {
    test(`${name}: the endpoint is unavailable`, async () => {
      if (says !== 'refused') answer = says;
      const timeoutMs = says === 'nothing' ? 50 : 20_000;
      const classifier = classifierAt(says === 'refused' ? 'http://127.0.0.1:1' : url, { timeoutMs });
      const problem = await expectProblem(classifier.classify(photo));
      assert.deepEqual([problem.code, problem.headers['Retry-After']], ['endpoint-unavailable', retryAfter]);
      assert.match(problem.message, message);
    });
  }

  for (const [body, advice] of [
    [{ message: 'x' }, /Try again/],
    [{ OriginalStatusCode: 400 }, /Try another photo/],
  ] as const) {
    test(`a ModelError ${JSON.stringify(body)} is a failure of the model`, async () => {
      answer = failing('ModelError', 424, body);
      const { code, headers, message } = await expectProblem(classifierAt(url).classify(photo));
      assert.deepEqual([code, headers], ['model-failed', {}]);
      assert.match(message, advice);
    });
  }

  test('each call ends with its own signal, and its connection with it', { timeout: 60_000 }, async () => {
    answer = 'nothing';
    requests.length = 0;
    const classifier = classifierAt(url);
    const controllers = [new AbortController(), new AbortController()];
    const calls = controllers.map(({ signal }) => classifier.classify(photo, { signal }));
    while (requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    const isClosed = () => requests.map(({ socket }) => socket.destroyed).sort();
    for (const [index, call] of calls.entries()) {
      controllers[index]?.abort(new Error(`gone ${index}`));
      await assert.rejects(call, new RegExp(`gone ${index}`));
      while (!isClosed()[1 - index]) await new Promise((resolve) => setTimeout(resolve, 5));
      assert.deepEqual(isClosed(), [index === 1, true]);
    }
  });

  test('each call is signed with its body, and with the current credentials', async () => {
    answer = answered({});
    requests.length = 0;
    let calls = 0;
    const credentials = async () => {
      calls += 1;
      return { accessKeyId: `key${calls}`, secretAccessKey: 'test', expiration: new Date() };
    };
    const classifier = classifierAt(url, { credentials });
    const used: string[] = [];
    for (const _ of [1, 2]) {
      await classifier.classifyAll([photo], { requestId: 'x'.repeat(70) });
      const headers = requests.pop()?.headers ?? {};
      const [, key = ''] = /Credential=(\w+)\/.*x-amz-content-sha256/.exec(headers.authorization ?? '') ?? [];
      used.push(key);
      assert.equal(headers['user-agent'], 'bloomstack-was');
      assert.equal(headers['x-amzn-sagemaker-inference-id'], 'x'.repeat(64));
      assert.ok(Number(headers['content-length']) > (photo.length / 3) * 4);
    }
    assert.match(used.join(), /^key\d,key\d$/);
    assert.notEqual(used[0], used[1]);
  });

  const answered = (more: object) => ({
    status: 200,
    body: JSON.stringify({ predictions: [{ ...row, ...more }] }),
  });
  test('the texts come from the model, or from our catalogue if it has none; a score below 0 means unknown', async () => {
    const words = { description: { en: 'It has thorns.', ko: '가시가 있습니다.' }, model: {} };
    const names = ['{"en":"Dog rose","ko":"들장미"}'];
    answer = answered({ names, words: JSON.stringify(words), known_score: -0.001 });
    const own = await classifierAt(url).classify(photo);
    assert.deepEqual([own.classes[0]?.names.ko, own.words, own.known], ['들장미', words, false]);
    answer = answered({ known_score: 0 });
    const without = await classifierAt(url).classify(photo);
    assert.deepEqual([without.classes[0]?.names.ko, without.known], ['장미', true]);
    assert.match(without.words.description.ko, /장미|꽃/);
  });

  test('an answer that is not understood is a failure of the model', async () => {
    const wrong = [{ classes: [] }, { probabilities: [2] }, { model_version: '' }, { names: ['Rose'] }];
    const bodies = ['<html>', '{}', JSON.stringify({ predictions: [row, row] })];
    for (const body of [...bodies, ...wrong.map((more) => answered(more).body)]) {
      answer = { status: 200, body };
      assert.equal((await expectProblem(classifierAt(url).classify(photo))).code, 'model-failed', body);
    }
  });
});
