import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definitionOf, job } from '../testing.ts';
import { localDefaults } from './local-defaults.ts';

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
