import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definitionSchema } from './definition-schema.ts';
import { parameter } from './parameters.ts';
import { trainingRequest } from './request-schemas.ts';
import type { TrainingArguments } from './requests.ts';
import { parsedDefinitions, settings } from './testing.ts';
import { trainStep } from './train-step.ts';
import { EXECUTION, fromFile, joined, pipelineVariable, property } from './variables.ts';

const { Arguments: valid } = trainStep(settings);

/** The compiler checks the argument; what it lets through is then read as SageMaker would. */
const accepted = (request: TrainingArguments): boolean =>
  trainingRequest.safeParse(JSON.parse(JSON.stringify(request))).success;

test('a request that SageMaker would refuse neither compiles nor parses', () => {
  assert.equal(accepted(valid), true);
  // @ts-expect-error a required field
  assert.equal(accepted({ ...valid, RoleArn: undefined }), false);
  // @ts-expect-error a field that SageMaker does not know
  assert.equal(accepted({ ...valid, Rolearn: 'arn' }), false);
  // @ts-expect-error one further down
  assert.equal(accepted({ ...valid, OutputDataConfig: { ...valid.OutputDataConfig, Kms: '' } }), false);
  // @ts-expect-error a required field further down
  assert.equal(accepted({ ...valid, CheckpointConfig: { LocalPath: '/opt/ml/checkpoints' } }), false);
  // @ts-expect-error a number where a string must stand
  assert.equal(accepted({ ...valid, HyperParameters: { epochs: 10 } }), false);
  // @ts-expect-error a variable of no known form
  assert.equal(accepted({ ...valid, HyperParameters: { epochs: { Get: 'Parameter.Epoch' } } }), false);
  // @ts-expect-error no way to read data
  assert.equal(accepted({ ...valid, AlgorithmSpecification: { TrainingInputMode: 'Stream' } }), false);
});

test('a variable may stand for a string', () => {
  const S3OutputPath = joined('/', 's3://bucket', parameter('Epoch'), EXECUTION.id);
  assert.equal(accepted({ ...valid, OutputDataConfig: { S3OutputPath } }), true);
});

test('variables have the form that SageMaker reads', () => {
  const forms = [
    [parameter('Epoch'), { Get: 'Parameters.Epoch' }],
    [
      property('Train', 'ModelArtifacts.S3ModelArtifacts'),
      { Get: 'Steps.Train.ModelArtifacts.S3ModelArtifacts' },
    ],
    [EXECUTION.id, { Get: 'Execution.PipelineExecutionId' }],
    [joined('', parameter('Epoch')), { 'Std:Join': { On: '', Values: [{ Get: 'Parameters.Epoch' }] } }],
    [
      fromFile('Evaluate', 'Report', 'accuracy.value'),
      {
        'Std:JsonGet': {
          PropertyFile: { Get: 'Steps.Evaluate.PropertyFiles.Report' },
          Path: 'accuracy.value',
        },
      },
    ],
  ];
  for (const [made, form] of forms) assert.deepEqual(pipelineVariable.parse(made), form);
});

test('a definition with anything that we do not know is refused', () => {
  const { deploy } = parsedDefinitions();
  const [train, ...others] = deploy.Steps;
  const nested = deploy.Steps.map((step) =>
    step.Type === 'Condition' ? { ...step, Arguments: { ...step.Arguments, IfSteps: [step] } } : step,
  );
  const refused = [
    { ...deploy, Version: '2021-01-01' },
    { ...deploy, Description: 'flowers' },
    { ...deploy, Steps: [] },
    { ...deploy, Steps: nested },
    { ...deploy, Steps: [{ ...train, Name: 'Train the model' }, ...others] },
    { ...deploy, Steps: [{ ...train, Type: 'Tuning' }, ...others] },
    { ...deploy, Steps: [{ ...train, CacheConfig: { Enabled: true } }, ...others] },
    { ...deploy, Parameters: [{ Name: 'Epoch', Type: 'Integer', DefaultValue: 1.5 }] },
  ];
  assert.equal(definitionSchema.safeParse(deploy).success, true);
  for (const definition of refused) assert.equal(definitionSchema.safeParse(definition).success, false);
});
