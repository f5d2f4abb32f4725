import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { AwsError } from '../../../scripts/aws-double/protocol.ts';
import {
  configFor,
  ENDPOINT_NAME,
  modelName,
  type SimulationOptions,
  settingsFor,
  startSimulation,
} from '../../../scripts/aws-double/simulated-deployment.ts';
import { updatePolicy } from './rollout.ts';

/** The endpoint has a configuration for model 7, and models 7 and 8 wait to be deployed. */
const startWithOld = async (t: TestContext, options?: SimulationOptions) => {
  const simulation = await startSimulation(t, options);
  simulation.addModels(7, 8);
  simulation.addConfigs(7);
  return simulation;
};

for (const status of ['Updating', 'SystemUpdating', 'RollingBack', 'Creating'] as const)
  test(`an endpoint that is ${status} is waited for, and then updated`, async (t) => {
    const { aws, deploy } = await startWithOld(t);
    aws.endpoints.add(ENDPOINT_NAME, configFor(7));
    aws.endpoints.transition(ENDPOINT_NAME, status, { seconds: 600, next: 'InService' });
    assert.equal((await deploy(8)).kind, 'rolled out');
    assert.deepEqual(aws.inputs('UpdateEndpoint').length, 1);
    assert.equal(aws.endpoints.answering(ENDPOINT_NAME), modelName(8));
  });

for (const status of ['OutOfService', 'UpdateRollbackFailed'] as const)
  test(`an endpoint that is ${status} is updated`, async (t) => {
    const { aws, deploy } = await startWithOld(t);
    aws.endpoints.add(ENDPOINT_NAME, configFor(7), { status });
    assert.equal((await deploy(8)).kind, 'rolled out');
    assert.equal(aws.endpoints.answering(ENDPOINT_NAME), modelName(8));
  });

test('an endpoint that has failed is deleted and created again', async (t) => {
  const { aws, deploy, lines } = await startWithOld(t);
  aws.endpoints.add(ENDPOINT_NAME, configFor(7), { status: 'Failed', failureReason: 'The ping failed.' });
  await deploy(8);
  assert.deepEqual(aws.changes.slice(0, 3), ['DeleteEndpoint', 'CreateEndpointConfig', 'CreateEndpoint']);
  assert.equal(aws.endpoints.answering(ENDPOINT_NAME), modelName(8));
  assert.ok(lines.some((line) => line.includes('has failed (The ping failed.)')));
});

test('an endpoint that is being deleted is waited for, and then created again', async (t) => {
  const { aws, deploy } = await startWithOld(t);
  aws.endpoints.add(ENDPOINT_NAME, configFor(7));
  aws.endpoints.transition(ENDPOINT_NAME, 'Deleting', { seconds: 300, next: 'gone' });
  await deploy(8);
  assert.equal(aws.inputs('CreateEndpoint').length, 1);
  assert.equal(aws.endpoints.answering(ENDPOINT_NAME), modelName(8));
});

test('a new endpoint whose container does not get ready fails the job with SageMaker’s reason', async (t) => {
  const { aws, models, deploy } = await startSimulation(t);
  models.add(modelName(7), { container: 'broken' });
  await assert.rejects(
    deploy(7),
    /version 7 is not served: the endpoint image-classifier is Failed.*ping health check.*log group/,
  );
  assert.equal(aws.autoscaling.find(ENDPOINT_NAME), undefined);
});

test('an endpoint that is stuck is given up at the time limit', async (t) => {
  const { models, deploy } = await startSimulation(t);
  models.add(modelName(7), { container: 'stuck' });
  await assert.rejects(
    deploy(7, { limitMinutes: 30 }),
    /stuck in Creating for \d\d minutes.*log group \/aws\/sagemaker\/Endpoints\/image-classifier/,
  );
});

test('SageMaker that never answers is given up at the time limit', async (t) => {
  const { aws, deploy } = await startSimulation(t);
  aws.injectFault('DescribeEndpoint', 1000);
  await assert.rejects(deploy(7), /has not said for \d{3} minutes/);
});

test('an address at which nothing listens fails the job at once', async (t) => {
  const { deploy, server } = await startSimulation(t);
  await server.stop();
  await assert.rejects(deploy(7), /ECONNREFUSED/);
});

test('a configuration that exists already is taken as it is', async (t) => {
  const { aws, deploy } = await startWithOld(t);
  assert.equal((await deploy(7)).kind, 'rolled out');
  assert.deepEqual(aws.inputs('CreateEndpointConfig').length, 0);
});

test('a configuration that someone else has created under our name is not touched', async (t) => {
  const { aws, addConfig, deploy } = await startWithOld(t);
  addConfig(configFor(8), modelName(7));
  await assert.rejects(deploy(8), /does not hold model flowers-8.*delete-endpoint-config/);
  assert.deepEqual(aws.changes, []);
});

test('an endpoint whose configuration was deleted cannot be updated, and the job says so', async (t) => {
  const { aws, deploy } = await startWithOld(t);
  aws.endpoints.add(ENDPOINT_NAME, configFor(7));
  aws.configs.delete(configFor(7));
  await assert.rejects(deploy(8), /its configuration .* was deleted.*delete-endpoint --endpoint-name/);
});

test('a model that does not exist fails the job at once', async (t) => {
  const { aws, deploy } = await startSimulation(t);
  await assert.rejects(deploy(7), /Could not find model/);
  assert.deepEqual(aws.changes, []);
});

test('throttling everywhere only slows a deployment down', async (t) => {
  const { aws, deploy } = await startWithOld(t, { retries: 3 });
  aws.endpoints.add(ENDPOINT_NAME, configFor(7));
  aws.throttle(3);
  // More often than the SDK tries.
  aws.injectFault('DescribeEndpoint', 18);
  assert.equal((await deploy(8)).kind, 'rolled out');
  assert.equal(aws.endpoints.answering(ENDPOINT_NAME), modelName(8));
});

test('faults of AWS while the endpoint is watched only slow a deployment down', async (t) => {
  const { aws, deploy } = await startWithOld(t);
  aws.endpoints.add(ENDPOINT_NAME, configFor(7));
  aws.injectFault('DescribeEndpoint', 3, new AwsError('InternalFailure', 'Sorry', { status: 500 }));
  assert.equal((await deploy(8)).kind, 'rolled out');
});

describe('the update policy', () => {
  const policyFor = (desiredInstances: number, overrides: Parameters<typeof settingsFor>[1] = {}) => {
    const policy = updatePolicy(settingsFor(7, { maxInstances: 40, ...overrides }), { desiredInstances });
    const blueGreen = policy.DeploymentConfig?.BlueGreenUpdatePolicy;
    return { ...policy, blueGreen, routing: blueGreen?.TrafficRoutingConfiguration };
  };

  test('shifts all traffic of one instance at once, and keeps the old one under the alarms', () => {
    const { routing, blueGreen } = policyFor(1);
    assert.deepEqual(routing, { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 0 });
    assert.equal(blueGreen?.TerminationWaitInSeconds, 300);
  });

  test('takes one in ten instances as the canary, at least one, never more than half', () => {
    for (const [instances, canary] of [
      [2, 1],
      [3, 1],
      [4, 1],
      [10, 1],
      [19, 1],
      [40, 4],
    ] as const)
      assert.deepEqual(policyFor(instances).routing?.CanarySize, { Type: 'INSTANCE_COUNT', Value: canary });
  });

  test('does not keep a number of instances that is out of bounds', () => {
    assert.equal(policyFor(3).RetainAllVariantProperties, true);
    const tooFew = policyFor(1, { minInstances: 2 });
    assert.equal(tooFew.RetainAllVariantProperties, false);
    assert.equal(tooFew.routing?.CanarySize?.Value, 1, 'the new fleet has two');
    assert.equal(policyFor(41, { minInstances: 1 }).routing?.Type, 'ALL_AT_ONCE');
  });

  test('gives SageMaker time for both waits, and no alarms where there are none', () => {
    assert.equal(policyFor(2, { bakingSeconds: 3600 }).blueGreen?.MaximumExecutionTimeoutInSeconds, 10_200);
    assert.equal(policyFor(2, { rollbackAlarms: [] }).DeploymentConfig?.AutoRollbackConfiguration, undefined);
  });
});
