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

test('what a parameter takes is taken', async () => {
  for (const [parameter, place] of [
    ['TrainData', 'photos'],
    ['TestData', 'photos'],
    ['Pretrained', 'network'],
    ['InitialModel', 'archive/model.tar.gz'],
    ['InitialModel', 'archive'],
    ['Other', 'flat'],
  ] as const)
    await check(parameter, place);
});

test('anything else is refused before the training, which would run without it', async () => {
  for (const [parameter, place, expected] of [
    [
      'TrainData',
      'nowhere',
      /nothing at .*nowhere, to which --data or FLOWERS_DIR points\. Give a folder with one folder of photos/,
    ],
    ['TrainData', 'flat', /photos are directly in .*flat, .*Give a folder that holds one folder of photos/],
    ['TrainData', 'archive', /archive is not what --data or FLOWERS_DIR takes\. Give a folder with one/],
    ['TrainData', 'split', /classes are in .*split.train\. Give that folder in place of .*split\.$/],
    ['TrainData', 'flat/1.jpg', /one folder of photos per class/],
    ['TestData', 'flat', /one folder of photos per class/],
    ['Pretrained', 'photos', /Give a folder with the model\.json of a TensorFlow\.js model/],
    ['Pretrained', 'network/model.json', /Give a folder with the model\.json/],
    ['InitialModel', 'photos', /Give a model\.tar\.gz of an earlier training/],
  ] as const)
    await assert.rejects(check(parameter, place), expected, `${parameter} ${place}`);
});

const definition = definitionOf(
  [job('A')],
  [
    { Name: 'LearningRate', Type: 'Float', DefaultValue: 0.0001 },
    { Name: 'TrainData', Type: 'String', DefaultValue: 's3://bucket/flowers/' },
  ],
);

const valuesOf = (given: Record<string, string>) =>
  Object.fromEntries(parameterValues(definition, new Map(Object.entries(given))));

test('what is given is read as its type; what is not has its default', () => {
  assert.deepEqual(valuesOf({}), { Epoch: 1, LearningRate: 0.0001, TrainData: 's3://bucket/flowers/' });
  const values = valuesOf({ Epoch: '3', LearningRate: '1e-3', TrainData: '5' });
  assert.deepEqual(values, { Epoch: 3, LearningRate: 0.001, TrainData: '5' });
});

test('an unknown parameter is an error that lists the known ones', () => {
  assert.throws(
    () => valuesOf({ Epochs: '3' }),
    /This pipeline has no parameter Epochs\. It has Epoch, LearningRate, TrainData\./,
  );
});

test('a value of another type is an error', () => {
  for (const given of [{ Epoch: '2.5' }, { Epoch: 'many' }, { Epoch: '' }, { LearningRate: 'fast' }])
    assert.throws(() => valuesOf(given), {
      message: /^--(Epoch|LearningRate) is ".*", but must be a (whole )?number, such as [\d.]+\.$/,
    });
});

const parameters = (rate: number, accuracy: number) => [
  { Name: 'LearningRate', Type: 'Float', DefaultValue: rate },
  { Name: 'MinAccuracy', Type: 'Float', DefaultValue: accuracy },
];

test('a learning rate and a bar are chosen for a short training where none is given, and say what for', () => {
  const definition = definitionOf([job('A')], parameters(0.0001, 0.9));
  const [rate, bar] = localDefaults(definition, new Set());
  assert.match(String(rate?.reason), /not the definition's 0\.0001, which is too low.*--learning-rate/);
  assert.match(String(bar?.reason), /not the definition's 0\.9.*--min-accuracy/);
  const [head] = localDefaults(definition, new Set(['Pretrained']));
  assert.ok(Number(head?.value) > Number(rate?.value), 'a head on a backbone learns faster');
});

test('what is given stays, and so does what fits, and the rate for training on from an earlier model', () => {
  const low = definitionOf([job('A')], parameters(0.0001, 0.9));
  for (const [definition, given, chosen] of [
    [low, ['MinAccuracy'], ['LearningRate']],
    [low, ['LearningRate'], ['MinAccuracy']],
    [low, ['InitialModel'], ['MinAccuracy']],
    [low, ['InitialModel', 'Pretrained'], ['MinAccuracy']],
    [definitionOf([job('A')], parameters(0.01, 0.7)), [], []],
    [definitionOf([job('A')]), [], []],
  ] as const)
    assert.deepEqual(
      localDefaults(definition, new Set(given)).map(({ name }) => name),
      chosen,
    );
});
