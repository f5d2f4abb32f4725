import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ALARMS,
  configFor,
  ENDPOINT_NAME,
  modelName,
  SCALING,
  startSimulation,
  when,
} from '../../../scripts/aws-double/simulated-deployment.ts';

test('the first deployment creates the endpoint, with autoscaling and the version on it', async (t) => {
  const { aws, addModels, tags, deploy } = await startSimulation(t);
  addModels(7);

  const result = await deploy(7, { expectedModelVersion: modelName(7) });

  assert.equal(result.kind, 'rolled out');
  assert.equal(result.modelVersion, modelName(7));
  assert.equal(result.config, configFor(7));
  assert.match(result.summary, /now serves model version 7/);
  assert.equal(aws.endpoints.answering(ENDPOINT_NAME), modelName(7));
  assert.equal(tags()['model-version'], '7');
  assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
});

test('a second run with the same model changes nothing, but repairs what an earlier one left undone', async (t) => {
  const { aws, addModels, tags, forgetTags, deploy } = await startSimulation(t);
  addModels(7);
  await deploy(7);
  const before = aws.changes;

  const again = await deploy(7);

  assert.equal(again.kind, 'unchanged');
  assert.equal(again.modelVersion, modelName(7));
  assert.deepEqual(aws.changes, before);

  aws.autoscaling.remove(ENDPOINT_NAME);
  forgetTags();
  assert.equal((await deploy(7)).kind, 'unchanged');
  assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
  assert.equal(tags()['model-version'], '7');
});

test('an update suspends autoscaling, shifts traffic in two steps under the alarms, and scales again', async (t) => {
  const { aws, addModels, deploy } = await startSimulation(t);
  addModels(7, 8);
  await deploy(7);
  aws.endpoints.get(ENDPOINT_NAME).instances = 3;
  const created = aws.changes.length;

  const result = await deploy(8);

  assert.match(result.summary, /now serves model version 8.*Before, it served model version 7/);
  assert.equal(aws.endpoints.answering(ENDPOINT_NAME), modelName(8));
  assert.deepEqual(aws.changes.slice(created), [
    'CreateEndpointConfig',
    'DeregisterScalableTarget',
    'UpdateEndpoint',
    'RegisterScalableTarget',
    'PutScalingPolicy',
    'AddTags',
  ]);
  assert.deepEqual(aws.inputs('UpdateEndpoint'), [
    {
      EndpointName: ENDPOINT_NAME,
      EndpointConfigName: configFor(8),
      RetainAllVariantProperties: true,
      DeploymentConfig: {
        BlueGreenUpdatePolicy: {
          TrafficRoutingConfiguration: {
            Type: 'CANARY',
            CanarySize: { Type: 'INSTANCE_COUNT', Value: 1 },
            WaitIntervalInSeconds: 300,
          },
          TerminationWaitInSeconds: 300,
          MaximumExecutionTimeoutInSeconds: 3600,
        },
        AutoRollbackConfiguration: { Alarms: ALARMS.map((AlarmName) => ({ AlarmName })) },
      },
    },
  ]);
  assert.equal(aws.endpoints.get(ENDPOINT_NAME).instances, 3, 'the instances that autoscaling added stay');
  assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
});

test('the instance type can be changed, although SageMaker refuses that while autoscaling is on', async (t) => {
  const { aws, addModels, deploy } = await startSimulation(t);
  addModels(7);
  await deploy(7);

  await deploy(7, { instanceType: 'ml.c5.xlarge', minInstances: 2 });

  assert.equal(aws.endpoints.get(ENDPOINT_NAME).instances, 2);
  assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), { ...SCALING, min: 2 });
});

const ALARMING = { alarms: ['app-endpoint-errors'] } as const;
for (const { what, behavior, givesReasons = true, rollbackAlarms = ALARMS, reason } of [
  {
    what: 'for which an alarm goes off',
    behavior: ALARMING,
    reason: 'Alarm app-endpoint-errors is in state ALARM.*app-endpoint-errors, app-endpoint-latency',
  },
  {
    what: 'for which an alarm goes off, without a reason,',
    behavior: ALARMING,
    givesReasons: false,
    reason: 'gives no reason.*app-endpoint-errors, app-endpoint-latency',
  },
  {
    what: 'whose container does not get ready',
    behavior: { container: 'broken' },
    rollbackAlarms: [],
    reason: 'ping health check.*No alarm watches',
  },
] as const)
  test(`a model ${what} is rolled back: the job fails and leaves the old one as it was`, async (t) => {
    const { aws, models, addModels, tags, deploy } = await startSimulation(t);
    addModels(7);
    models.add(modelName(8), behavior);
    models.givesReasons = givesReasons;
    await deploy(7);

    await assert.rejects(
      deploy(8, { rollbackAlarms: [...rollbackAlarms] }),
      new RegExp(`version 8 was rolled back.*serves model version 7.*${reason}`),
    );

    assert.equal(aws.endpoints.answering(ENDPOINT_NAME), modelName(7));
    assert.equal(tags()['model-version'], '7');
    assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
  });

test('a job that is stopped scales the old model again and leaves the update to SageMaker', async (t) => {
  const { aws, addModels, deploy } = await startSimulation(t);
  addModels(7, 8);
  await deploy(7);
  const stop = new AbortController();
  const { onLine } = when('is Updating', () => stop.abort(new Error('stopped by hand')));

  await assert.rejects(deploy(8, {}, { signal: stop.signal, ...(onLine && { onLine }) }), /stopped by hand/);

  assert.equal(aws.endpoints.get(ENDPOINT_NAME).status, 'Updating');
  assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
  assert.match((await deploy(8)).summary, /already served model version 8/, 'the next run sees it through');
  assert.equal(aws.inputs('UpdateEndpoint').length, 1);
});

test('autoscaling that cannot be restored fails the job, which says that the model is served', async (t) => {
  const { aws, addModels, deploy } = await startSimulation(t, {
    statements: [
      { actions: ['sagemaker:*', 'cloudwatch:*', 'iam:*', 'application-autoscaling:D*'], resources: ['*'] },
    ],
  });
  addModels(7);
  await assert.rejects(
    deploy(7),
    /version 7 was rolled out\. The endpoint does not scale now \(.*RegisterScalableTarget.*DeployEndpoint step again/,
  );
  assert.equal(aws.endpoints.answering(ENDPOINT_NAME), modelName(7));
});
