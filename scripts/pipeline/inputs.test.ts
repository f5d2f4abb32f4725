import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { checkInput, localDefaults, parameterValues } from './inputs.ts';
import { definitionOf, job } from './tiny-definition.ts';

const root = temporaryFolder({ after });
before(() => {
  for (const file of [
    'photos/rose/1.jpg',
    'flat/1.jpg',
    'split/train/a/1.jpg',
    'split/train/b/1.jpg',
    'network/model.json',
    'archive/model.tar.gz',
  ]) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), 'content');
  }
});

const check = (parameter: string, place: string) => checkInput(parameter, path.join(root, place));

test('a parameter takes known options only, because a training would ignore others', async () => {
  for (const [parameter, place] of [
    ['TrainData', 'photos'],
    ['Pretrained', 'network'],
    ['InitialModel', 'archive/model.tar.gz'],
    ['InitialModel', 'archive'],
  ] as const)
    await check(parameter, place);
  for (const [parameter, place, expected] of [
    ['TrainData', 'nowhere', /nowhere is not valid for --data or FLOWERS_DIR\. It must be a folder with one/],
    ['TrainData', 'flat', /photos are directly in .*flat, .*Give a folder with one folder of photos/],
    ['TrainData', 'archive', /archive is not valid for --data or FLOWERS_DIR\. It must be a folder with one/],
    ['TrainData', 'split', /classes are in .*split.train\. Give that folder in place of .*split\.$/],
    ['Pretrained', 'photos', /It must be a folder with the model\.json of a TensorFlow\.js model/],
    ['InitialModel', 'photos', /It must be a model\.tar\.gz of an earlier training/],
  ] as const)
    await assert.rejects(check(parameter, place), expected, `${parameter} ${place}`);
});

const definitionWith = (rate: number, accuracy: number) =>
  definitionOf(
    [job('A')],
    [
      { Name: 'LearningRate', Type: 'Float', DefaultValue: rate },
      { Name: 'MinAccuracy', Type: 'Float', DefaultValue: accuracy },
      { Name: 'TrainData', Type: 'String', DefaultValue: 's3://bucket/flowers/' },
    ],
  );
const low = definitionWith(0.0001, 0.9);

test('given values are read by type; others have their defaults', () => {
  const values = parameterValues(low, { Epoch: '3', LearningRate: '1e-3' });
  const expected = { Epoch: 3, LearningRate: 0.001, MinAccuracy: 0.9, TrainData: 's3://bucket/flowers/' };
  assert.deepEqual(values, expected);
});

test('an unknown parameter and a value of another type are errors', () => {
  const unknown =
    /This pipeline has no parameter Epochs\. It has Epoch, LearningRate, MinAccuracy, TrainData\./;
  assert.throws(() => parameterValues(low, { Epochs: '3' }), unknown);
  for (const given of [{ Epoch: '2.5' }, { Epoch: 'many' }, { Epoch: '' }, { LearningRate: 'fast' }])
    assert.throws(() => parameterValues(low, given), {
      message: /^--(Epoch|LearningRate) is ".*", but must be a (whole )?number, such as [\d.]+\.$/,
    });
});

test('a short training has its own default learning rate and minimum accuracy, with the reason', () => {
  for (const [definition, given, expected] of [
    [low, {}, ['LearningRate 0.002', 'MinAccuracy 0.8']],
    [low, { Pretrained: '', MinAccuracy: '1' }, ['LearningRate 0.003']],
    [low, { InitialModel: '' }, ['MinAccuracy 0.8']],
    [definitionWith(0.01, 0.7), {}, []],
  ] as const) {
    const chosen = localDefaults(definition, given);
    assert.deepEqual(
      chosen.map(({ name, value }) => `${name} ${value}`),
      expected,
    );
    for (const { reason } of chosen) assert.match(reason, /not the definition's 0\.\d+, which is .*; --/);
  }
});
