import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allSteps } from '../../stacks/learning/pipeline-schema.ts';
import { checkDefinition, dependenciesOf, propertyAt, resolve, type Scope } from './definition.ts';
import { condition, definitionOf, fail, job, nameOfJob, reported } from './tiny-definition.ts';

const scope: Scope = {
  parameters: new Map<string, string | number>([
    ['Epoch', 10],
    ['LearningRate', 0.0001],
    ['TrainData', 's3://bucket/flowers/'],
  ]),
  execution: { PipelineExecutionId: 'abc', PipelineExecutionArn: 'arn:abc' },
  outputs: new Map([
    [
      'Evaluate',
      {
        properties: {
          Outputs: { 'the report': { S3Output: { S3Uri: 's3://bucket/reports' } } },
          List: [5, 6],
        },
        propertyFiles: { Report: { metrics: { accuracy: { value: 0.9 } }, rows: [{ n: 1 }, { n: 2 }] } },
      },
    ],
  ]),
};

const join = (On: string, ...Values: unknown[]) => ({ 'Std:Join': { On, Values } });
const jsonGet = (reference: string, Path: string) => ({
  'Std:JsonGet': { PropertyFile: { Get: reference }, Path },
});
const REPORT = 'Steps.Evaluate.PropertyFiles.Report';

test('a variable becomes what it refers to, with its type', () => {
  const cases: [variable: unknown, value: unknown][] = [
    [{ Get: 'Parameters.Epoch' }, 10],
    [{ Get: 'Parameters.TrainData' }, 's3://bucket/flowers/'],
    [{ Get: 'Execution.PipelineExecutionId' }, 'abc'],
    [{ Get: 'Execution.PipelineExecutionArn' }, 'arn:abc'],
    [{ Get: "Steps.Evaluate.Outputs['the report'].S3Output.S3Uri" }, 's3://bucket/reports'],
    [{ Get: 'Steps.Evaluate.List[1]' }, 6],
    [jsonGet(REPORT, 'metrics.accuracy.value'), 0.9],
    [jsonGet(REPORT, 'rows[1].n'), 2],
    [join('', { Get: 'Parameters.LearningRate' }), '0.0001'],
    [join('/', 's3://bucket', { Get: 'Execution.PipelineExecutionId' }, 3), 's3://bucket/abc/3'],
    [join(' ', 'accuracy', jsonGet(REPORT, 'metrics.accuracy.value')), 'accuracy 0.9'],
  ];
  for (const [variable, value] of cases) assert.equal(resolve(variable, scope), value);
});

test('variables are found anywhere, and the rest stays as it is', () => {
  const value = { a: [{ b: { Get: 'Parameters.Epoch' } }, null, true], Get: 'not alone' };
  assert.deepEqual(resolve(value, scope), { a: [{ b: 10 }, null, true], Get: 'not alone' });
});

test('what refers to nothing says what is missing', () => {
  const cases: [variable: unknown, expected: RegExp][] = [
    [{ Get: 'Parameters.Epochs' }, /Parameters\.Epochs cannot be read: there is no such parameter/],
    [{ Get: 'Steps.Train.ModelArtifacts' }, /Steps\.Train\.ModelArtifacts cannot be read: that step has not/],
    [{ Get: 'Steps.Evaluate.Nothing.Here' }, /The step Evaluate has nothing at Nothing\.Here/],
    [{ Get: 'Steps.Evaluate.List[7]' }, /nothing at List\[7\]/],
    [{ Get: 'Steps.Evaluate.Outputs' }, /is neither a text, a number nor a truth value/],
    [jsonGet('Steps.Evaluate.PropertyFiles.Other', 'a'), /the step Evaluate declares no such file/],
    [
      jsonGet(REPORT, 'metrics.recall'),
      /The property file Report of the step Evaluate has nothing at metrics/,
    ],
    [jsonGet(REPORT, 'metrics'), /at metrics is neither/],
  ];
  for (const [variable, expected] of cases) assert.throws(() => resolve(variable, scope), expected);
});

test('the items of a list are found by their names, too', () => {
  const lists = {
    FinalMetricDataList: [
      { MetricName: 'training:loss', Value: 2 },
      { MetricName: 'validation:accuracy', Value: 0.5 },
    ],
    InputDataConfig: [{ ChannelName: 'train', Size: 3 }],
  };
  assert.equal(propertyAt(lists, "FinalMetricDataList['validation:accuracy'].Value", 'It'), 0.5);
  assert.equal(propertyAt(lists, 'FinalMetricDataList[0].Value', 'It'), 2);
  assert.equal(propertyAt(lists, "InputDataConfig['train'].Size", 'It'), 3);
  assert.throws(() => propertyAt(lists, "FinalMetricDataList['none'].Value", 'It'), /It has nothing at/);
});

test('a path that cannot be read is an error, and so is one into a prototype', () => {
  assert.throws(() => propertyAt({}, 'a[b]', 'It'), /The path a\[b\] cannot be read from its character 2/);
  assert.throws(() => propertyAt({ a: {} }, 'a.constructor', 'It'), /It has nothing at a\.constructor/);
});

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

test('a definition that cannot be run is refused by its steps', () => {
  const cases: [steps: object[], expected: RegExp][] = [
    [[job('A'), job('A')], /Two steps have the name A/],
    [[job('A', { X: nameOfJob('Z') })], /The step A refers to Z, which is not a step that can run before it/],
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
