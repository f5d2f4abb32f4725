import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { StepFailure } from './execution.ts';
import {
  checkGivenFile,
  givenPrefix,
  localDefaults,
  namingOf,
  parameterValues,
  withNaming,
} from './inputs.ts';
import { definitionOf, execute, job } from './tiny-definition.ts';

let root: string;
before(() => {
  root = mkdtempSync(path.join(tmpdir(), 'bloomstack-given-'));
  for (const file of ['photos/rose/1.jpg', 'flat/1.jpg', 'network/model.json', 'archive/model.tar.gz']) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), 'content');
  }
});
after(() => rmSync(root, { recursive: true }));

const check = (parameter: string, place: string) => checkGivenFile(parameter, path.join(root, place));

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

test('anything else is refused before the training, which would go on without it', async () => {
  for (const [parameter, place, expected] of [
    [
      'TrainData',
      'nowhere',
      /nothing at .*nowhere, to which --data or FLOWERS_DIR points\. Give a folder with one folder of photos/,
    ],
    [
      'TrainData',
      'flat',
      /flat is not what --data or FLOWERS_DIR takes\. Give a folder with one folder of photos/,
    ],
    ['TrainData', 'flat/1.jpg', /one folder of photos per class/],
    ['TestData', 'flat', /one folder of photos per class/],
    ['Pretrained', 'photos', /Give a folder with the model\.json of a TensorFlow\.js model/],
    ['Pretrained', 'network/model.json', /Give a folder with the model\.json/],
    ['InitialModel', 'photos', /Give a model\.tar\.gz of an earlier training/],
  ] as const)
    await assert.rejects(check(parameter, place), expected, `${parameter} ${place}`);
});

const ID = 'abc123abc123';

let archive: string;
before(() => {
  root = mkdtempSync(path.join(tmpdir(), 'bloomstack-places-'));
  archive = path.join(root, 'roses.tar.gz');
  writeFileSync(archive, 'model');
});
after(() => rmSync(root, { recursive: true }));

const naming = () =>
  namingOf({
    id: ID,
    asked: { pipeline: 'deploy', values: {}, files: { TrainData: root, InitialModel: archive } },
  });

test('what was given with an option is called as it was given', async () => {
  const named = await naming();
  const [data, model] = [givenPrefix(ID, 'TrainData'), givenPrefix(ID, 'InitialModel')];
  const cases: [text: string, expected: string][] = [
    [`Nothing lies at ${data}.`, `Nothing lies at ${root}/.`],
    [`${data}rose/1.jpg is empty.`, `${root}/rose/1.jpg is empty.`],
    [`Look at ${data.slice(0, -1)}: it is empty.`, `Look at ${root}: it is empty.`],
    [`${model}model.tar.gz cannot be unpacked.`, `${archive} cannot be unpacked.`],
    [model, archive],
    ['s3://photos/none/', 's3://photos/none/'],
  ];
  for (const [text, expected] of cases) assert.equal(named(text), expected);
});

test('whatever a step tells is told so, also when it fails', async () => {
  const photo = `${givenPrefix(ID, 'TrainData')}1.jpg`;
  const { execution, changes } = await execute(
    [job('Work')],
    withNaming(
      async (_step, _request, { report, warn }) => {
        report(`Read ${photo}.`);
        warn(`${photo} is blurred.`);
        throw new StepFailure(`${photo} is gone.`);
      },
      await naming(),
    ),
  );
  const shown = path.join(root, '1.jpg');
  assert.ok(changes.some(({ note }) => note === `Read ${shown}.`));
  const [state] = execution.states;
  assert.deepEqual(state?.warnings, [`${shown} is blurred.`]);
  assert.equal(state?.note, `${shown} is gone.`);
});

test('a failure that may be repeated stays one', async () => {
  const failing = withNaming(
    async () => {
      throw new StepFailure('No machine.', { exception: 'SageMaker.CAPACITY_ERROR' });
    },
    await naming(),
  );
  const RetryPolicies = [
    { ExceptionType: ['SageMaker.CAPACITY_ERROR'], IntervalSeconds: 1, BackoffRate: 1, MaxAttempts: 2 },
  ];
  const { changes } = await execute([job('Work', {}, { RetryPolicies })], failing);
  assert.ok(changes.some(({ note }) => note?.includes('Trying again (2 of 2)')));
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

test('what is not given has its default', () => {
  assert.deepEqual(valuesOf({}), { Epoch: 1, LearningRate: 0.0001, TrainData: 's3://bucket/flowers/' });
});

test('what is given is read as its type', () => {
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

const namesOf = (definition: ReturnType<typeof definitionOf>, ...given: string[]) =>
  localDefaults(definition, new Set(given)).map(({ name }) => name);

test('a learning rate and a bar are chosen for a short training, and say what for', () => {
  const [rate, bar] = localDefaults(definitionOf([job('A')], parameters(0.0001, 0.9)), new Set());
  assert.match(String(rate?.reason), /not the definition's 0\.0001, which is too low.*--learning-rate/);
  assert.match(String(bar?.reason), /not the definition's 0\.9.*--min-accuracy/);
});

test('a head on a backbone learns faster than a network from scratch', () => {
  const definition = definitionOf([job('A')], parameters(0.0001, 0.9));
  const rateOf = (...given: string[]) => Number(localDefaults(definition, new Set(given))[0]?.value);
  assert.ok(rateOf('Pretrained') > rateOf());
});

test('what is given stays, and so does the learning rate for going on with a model', () => {
  const definition = definitionOf([job('A')], parameters(0.0001, 0.9));
  assert.deepEqual(namesOf(definition, 'MinAccuracy'), ['LearningRate']);
  assert.deepEqual(namesOf(definition, 'LearningRate'), ['MinAccuracy']);
  assert.deepEqual(namesOf(definition, 'InitialModel'), ['MinAccuracy']);
  assert.deepEqual(namesOf(definition, 'InitialModel', 'Pretrained'), ['MinAccuracy']);
});

test('a definition that fits, or has no such parameters, stays as it is', () => {
  assert.deepEqual(namesOf(definitionOf([job('A')], parameters(0.01, 0.7))), []);
  assert.deepEqual(namesOf(definitionOf([job('A')])), []);
});
