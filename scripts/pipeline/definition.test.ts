import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allSteps } from '../../stacks/learning/pipeline-schema.ts';
import { checkSteps, dependenciesOf, resolve, type Scope } from './definition.ts';
import { condition, definitionOf, fail, job, nameOfJob, reported } from './tiny-definition.ts';

const scope: Scope = {
  Parameters: { Epoch: 10, LearningRate: 0.0001, TrainData: 's3://bucket/flowers/' },
  Execution: { PipelineExecutionId: 'abc', PipelineExecutionArn: 'arn:abc' },
  Steps: {
    Evaluate: {
      Outputs: { 'the report': { S3Output: { S3Uri: 's3://bucket/reports' } } },
      List: [5, 6],
      FinalMetricDataList: [
        { MetricName: 'training:loss', Value: 2 },
        { MetricName: 'validation:accuracy', Value: 0.5 },
      ],
      PropertyFiles: { Report: { metrics: { accuracy: { value: 0.9 } }, rows: [{ n: 1 }, { n: 2 }] } },
    },
  },
};

const join = (On: string, ...Values: unknown[]) => ({ 'Std:Join': { On, Values } });
const jsonGet = (Path: string) => reported('Evaluate', Path);

test('a variable is replaced by its value, with its type', () => {
  const cases: [variable: unknown, value: unknown][] = [
    [{ Get: 'Parameters.Epoch' }, 10],
    [{ Get: 'Execution.PipelineExecutionId' }, 'abc'],
    [{ Get: "Steps.Evaluate.Outputs['the report'].S3Output.S3Uri" }, 's3://bucket/reports'],
    [{ Get: 'Steps.Evaluate.List[1]' }, 6],
    [{ Get: "Steps.Evaluate.FinalMetricDataList['validation:accuracy'].Value" }, 0.5],
    [jsonGet('metrics.accuracy.value'), 0.9],
    [jsonGet('rows[1].n'), 2],
    [join('', { Get: 'Parameters.LearningRate' }), '0.0001'],
    [join('/', 's3://bucket', { Get: 'Execution.PipelineExecutionId' }, 3), 's3://bucket/abc/3'],
    [join(' ', 'accuracy', jsonGet('metrics.accuracy.value')), 'accuracy 0.9'],
  ];
  for (const [variable, value] of cases) assert.equal(resolve(variable, scope), value);
  const anywhere = { a: [{ b: { Get: 'Parameters.Epoch' } }, null, true], Get: 'not alone' };
  assert.deepEqual(resolve(anywhere, scope), { a: [{ b: 10 }, null, true], Get: 'not alone' });
});

test('a dangling reference is named', () => {
  for (const variable of [
    { Get: 'Parameters.Epochs' },
    { Get: 'Steps.Train.ModelArtifacts' },
    { Get: 'Steps.Evaluate.List[7]' },
    { Get: 'Steps.Evaluate.constructor.name' },
    { Get: "Steps.Evaluate.FinalMetricDataList['none'].Value" },
    jsonGet('metrics.recall'),
    jsonGet('metrics'),
  ])
    assert.throws(
      () => resolve(variable, scope),
      /^Error: [\w.['\]]+ cannot be read: it is not a string, number/,
    );
});

test('a step depends on what it names, and on what it reads anywhere', () => {
  const joined = join('', 'x', reported('B', 'a'), { Get: 'Parameters.Epoch' });
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
  checkSteps(definition.Steps);
});

test('a definition that cannot be run is refused by its steps', () => {
  const cases: [steps: object[], expected: RegExp][] = [
    [[job('A'), job('A')], /Two steps have the name A/],
    [[job('A', { X: nameOfJob('Z') })], /The step A refers to Z, which is not a step before it/],
    [[job('A', {}, { DependsOn: ['Z'] })], /The step A refers to Z/],
    [[job('A', { X: nameOfJob('A') })], /The step A refers to A/],
    [[condition('A', [1, 1], [job('B')], []), job('C', { X: nameOfJob('B') })], /C refers to B/],
    [[condition('A', [1, 1], [job('B')], [job('C', { X: nameOfJob('B') })])], /C refers to B/],
  ];
  for (const [steps, expected] of cases)
    assert.throws(() => checkSteps(definitionOf(steps).Steps), expected, expected.source);
});
