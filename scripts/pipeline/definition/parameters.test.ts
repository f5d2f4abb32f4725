import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definitionOf, job } from '../testing.ts';
import { parameterValues } from './parameters.ts';

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
