import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HYPERPARAMETERS } from '../../contract/sagemaker-jobs.ts';
import { writeFiles } from '../files.ts';
import { withOptMl } from '../testing.ts';
import { parseHyperparameters, readHyperparameters } from './hyperparameters.ts';

test('what the pipelines pass is read as numbers, however they are written', () => {
  const { epochs, batchSize, learningRate } = parseHyperparameters({
    [HYPERPARAMETERS.epochs]: '10',
    [HYPERPARAMETERS.batchSize]: '16.0',
    [HYPERPARAMETERS.learningRate]: '1.0E-4',
  });
  assert.deepEqual([epochs, batchSize, learningRate], [10, 16, 0.0001]);
});

test('nothing need be given; then the training has its own defaults, and ends early', () => {
  const { epochs, batchSize, learningRate, seed, patience, balanced } = parseHyperparameters({});
  assert.deepEqual([epochs, batchSize, learningRate], [undefined, undefined, undefined]);
  assert.deepEqual([seed, patience, balanced], [1, 10, false]);
});

test('a patience of 0 trains every epoch', () => {
  assert.equal(parseHyperparameters({ patience: '0' }).patience, undefined);
});

test('the network, its first photos and the weighing of classes may be chosen', () => {
  const { stem, blocks, firstSide, balanced } = parseHyperparameters({
    stem: '8',
    blocks: '12, 16',
    'first-side': '64',
    balanced: 'true',
  });
  assert.deepEqual([stem, blocks, firstSide, balanced], [8, [12, 16], 64, true]);
});

test('keys that SageMaker adds by itself are passed over', () => {
  const { epochs } = parseHyperparameters({
    epochs: '3',
    _tuning_objective_metric: 'validation:accuracy',
    sagemaker_job_name: '"x"',
  });
  assert.equal(epochs, 3);
});

const WRONG: readonly (readonly [key: string, value: string, must: RegExp])[] = [
  ['epochs', 'ten', /"epochs" is "ten" but must be a whole number of at least 1/],
  ['epochs', '', /"epochs" is "" but must be/],
  ['epochs', '2.5', /a whole number/],
  ['epochs', '0', /at least 1/],
  ['batch-size', '-4', /"batch-size" is "-4" but must be a whole number of at least 1/],
  ['learning-rate', '0', /"learning-rate" is "0" but must be a number above 0/],
  ['learning-rate', 'Infinity', /a number above 0/],
  ['seed', '0', /at least 1/],
  ['balanced', 'yes', /true or false/],
  ['blocks', '48,,96', /a list such as 48,96/],
  ['epoch', '10', /"epoch" is unknown; known are epochs, batch-size, learning-rate, /],
];

for (const [key, value, message] of WRONG) {
  test(`${key}=${value} is refused, and named`, () => {
    assert.throws(() => parseHyperparameters({ [key]: value }), { message });
  });
}

test('all that is wrong is named, in one line', () => {
  assert.throws(
    () => parseHyperparameters({ epochs: 'x', seed: 'y', epoch: '1', lr: '2' }),
    ({ message }: Error) => {
      assert.doesNotMatch(message, /\n/);
      for (const key of ['"epochs"', '"seed"', '"epoch"', '"lr"']) assert.ok(message.includes(key), key);
      return true;
    },
  );
});

test('values that are not strings are not what SageMaker writes', () => {
  for (const values of [{ epochs: 3 }, ['epochs'], null, 'epochs'])
    assert.throws(() => parseHyperparameters(values), { message: /all strings/ });
});

test('the file may be missing, but not broken', () =>
  withOptMl(async (optMl) => {
    assert.equal((await readHyperparameters(optMl.at('none.json'))).seed, 1);
    await writeFiles(optMl.root, { 'broken.json': '{"epochs": ' });
    await assert.rejects(readHyperparameters(optMl.at('broken.json')), {
      message: /broken\.json is not JSON/,
    });
  }));
