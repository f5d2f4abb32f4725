import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEPLOY_ENVIRONMENT } from '../../../model/contract/sagemaker-jobs.ts';
import { pipelineDefinitions } from './definitions.ts';
import type { PipelineSettings } from './settings.ts';
import { jobsOf, parsedDefinitions, settings, stepsOf } from './testing.ts';

const { train, model, deploy } = parsedDefinitions();

const names = (steps: readonly { readonly Name: string }[]) => steps.map(({ Name }) => Name);

const training = (changes: Partial<PipelineSettings> = {}) => {
  const step = parsedDefinitions(changes).train.Steps[0];
  assert.ok(step?.Type === 'Training');
  return step.Arguments;
};

test('each pipeline does what the one before does, and then more', () => {
  assert.deepEqual(names(train.Steps), ['Train']);
  assert.deepEqual(names(model.Steps), ['Train', 'CreateModel']);
  assert.deepEqual(names(deploy.Steps), ['Train', 'Evaluate', 'CheckAccuracy']);
});

test('only a model that is accurate enough is registered and deployed; any other fails the execution', () => {
  const check = deploy.Steps[2];
  assert.ok(check?.Type === 'Condition');
  assert.deepEqual(names(check.Arguments.IfSteps), ['CreateModel', 'RegisterModel', 'DeployEndpoint']);
  assert.deepEqual(names(check.Arguments.ElseSteps), ['RejectModel']);
});

test('the parameters have the defaults of the description', () => {
  const defaults = deploy.Parameters.map(({ Name, Type, DefaultValue }) => [Name, Type, DefaultValue]);
  const nothing = 's3://app-ml-dataset-test/none/';
  assert.deepEqual(defaults, [
    ['TrainData', 'String', 's3://app-ml-dataset-test/flowers/'],
    ['TestData', 'String', nothing],
    ['Epoch', 'Integer', 10],
    ['BatchSize', 'Integer', 16],
    ['LearningRate', 'Float', 0.0001],
    ['TrainingImage', 'String', settings.trainingImage],
    ['InitialModel', 'String', nothing],
    ['Pretrained', 'String', 's3://app-ml-dataset-test/pretrained/'],
    ['MinAccuracy', 'Float', 0.9],
  ]);
  assert.deepEqual(train.Parameters, deploy.Parameters.slice(0, -1));
  assert.deepEqual(model.Parameters, train.Parameters);
});

test('hyperparameters are strings, whatever the parameters are', () => {
  const { HyperParameters } = training();
  assert.deepEqual(Object.keys(HyperParameters), ['epochs', 'batch-size', 'learning-rate']);
  for (const [key, value] of Object.entries(HyperParameters))
    assert.ok(typeof value === 'string' || 'Std:Join' in value, key);
});

test('the time to wait for spot capacity is given on spot capacity, and refused without', () => {
  const hour = 3600;
  const spot = training({ trainingSpot: true, trainingHours: 2 });
  assert.equal(spot.EnableManagedSpotTraining, true);
  assert.deepEqual(spot.StoppingCondition, {
    MaxRuntimeInSeconds: 2 * hour,
    MaxWaitTimeInSeconds: 6 * hour,
  });
  const own = training({ trainingSpot: false, trainingHours: 2 });
  assert.equal(own.EnableManagedSpotTraining, false);
  assert.deepEqual(own.StoppingCondition, { MaxRuntimeInSeconds: 2 * hour });
});

test('jobs that see the photos have no network, and cannot deploy', () => {
  const rights = jobsOf(deploy).map((step) => [
    step.Name,
    step.Type === 'Training'
      ? step.Arguments.EnableNetworkIsolation
      : (step.Arguments.NetworkConfig?.EnableNetworkIsolation ?? false),
    step.Arguments.RoleArn,
  ]);
  assert.deepEqual(rights, [
    ['Train', true, settings.roles.training],
    ['Evaluate', true, settings.roles.training],
    ['DeployEndpoint', false, settings.roles.deploy],
  ]);
});

test('every job of an execution runs the image that the execution names', () => {
  const images = jobsOf(deploy).map((step) =>
    step.Type === 'Training'
      ? step.Arguments.AlgorithmSpecification.TrainingImage
      : step.Arguments.AppSpecification.ImageUri,
  );
  assert.deepEqual(images, Array(3).fill({ Get: 'Parameters.TrainingImage' }));
});

test('the deployment is told everything that it reads, and nothing else', () => {
  const step = jobsOf(deploy).find(({ Name }) => Name === 'DeployEndpoint');
  assert.deepEqual(
    Object.keys(step?.Arguments.Environment ?? {}).sort(),
    Object.values(DEPLOY_ENVIRONMENT).sort(),
  );
  assert.equal(
    step?.Arguments.Environment?.[DEPLOY_ENVIRONMENT.rollbackAlarms],
    'app-endpoint-errors,app-endpoint-latency',
  );
});

test('the model that runs and the model on record are the same, and serve the folder that training writes', () => {
  const containers = stepsOf(deploy).flatMap((step) =>
    step.Type === 'Model'
      ? [step.Arguments.PrimaryContainer]
      : step.Type === 'RegisterModel'
        ? step.Arguments.InferenceSpecification.Containers
        : [],
  );
  assert.equal(containers.length, 2);
  assert.deepEqual(containers[0], containers[1]);
  assert.deepEqual(containers[0]?.Environment, {
    SAGEMAKER_TFS_DEFAULT_MODEL_NAME: 'image-classifier',
    SAGEMAKER_TFS_ENABLE_BATCHING: 'true',
  });
});

test('a model that is not good enough is told its result in words, the accuracy it should have, and what goes on', () => {
  const reject = stepsOf(deploy).find(({ Name }) => Name === 'RejectModel');
  assert.ok(reject?.Type === 'Fail' && typeof reject.Arguments.ErrorMessage === 'object');
  assert.ok('Std:Join' in reject.Arguments.ErrorMessage);
  const { Values } = reject.Arguments.ErrorMessage['Std:Join'];
  const message = Values.map((value) => {
    if (typeof value !== 'object') return value;
    return 'Std:JsonGet' in value ? `<${value['Std:JsonGet'].Path}>` : 0.9;
  }).join('');
  assert.match(message, /is right on <result>, and MinAccuracy is 0\.9\. Whatever model is served so far/);
});

test('every definition fits into the request that makes the pipeline', () => {
  for (const definition of Object.values(pipelineDefinitions(settings)))
    assert.ok(Buffer.byteLength(JSON.stringify(definition)) < 100_000);
});
