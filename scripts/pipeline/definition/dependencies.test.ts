import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allSteps } from '../../../stacks/learning/pipeline-schema.ts';
import { condition, definitionOf, fail, job, nameOfJob, reported } from '../testing.ts';
import { checkDefinition, dependenciesOf } from './dependencies.ts';

test('a step depends on what it names, and on what it reads anywhere', () => {
  const joined = { 'Std:Join': { On: '', Values: ['x', reported('B', 'a'), { Get: 'Parameters.Epoch' }] } };
  const definition = definitionOf([
    job('A'),
    job('B'),
    job('C', { X: nameOfJob('A'), Y: joined }),
    job('D', {}, { DependsOn: ['C'] }),
    condition(
      'E',
      [reported('A', 'a'), 1],
      [job('F', { X: nameOfJob('B') })],
      [fail('G', reported('C', 'x'))],
    ),
  ]);
  const found = allSteps(definition).map((step) => [step.Name, ...dependenciesOf(step)].join(' '));
  assert.deepEqual(found, ['A', 'B', 'C A B', 'D C', 'E A', 'F B', 'G C']);
  checkDefinition(definition);
});

test('a definition that cannot be run is told with its steps', () => {
  const cases: [steps: object[], expected: RegExp][] = [
    [[job('A'), job('A')], /Two steps have the name A/],
    [[job('A', { X: nameOfJob('Z') })], /The step A refers to Z, which is no step that can run before it/],
    [[job('A', {}, { DependsOn: ['Z'] })], /The step A refers to Z/],
    [
      [job('A', { X: nameOfJob('B') }), job('B', { X: nameOfJob('A') })],
      /The steps A, B wait for one another/,
    ],
    [[job('A', { X: nameOfJob('A') })], /The steps A wait for one another/],
    [[condition('A', [1, 1], [job('B')], []), job('C', { X: nameOfJob('B') })], /C refers to B/],
    [[condition('A', [1, 1], [job('B')], [job('C', { X: nameOfJob('B') })])], /C refers to B/],
  ];
  for (const [steps, expected] of cases)
    assert.throws(() => checkDefinition(definitionOf(steps)), expected, expected.source);
});
