import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { AwsError } from '../../../scripts/aws-double/protocol.ts';
import type { Operation } from '../../../scripts/aws-double/server.ts';
import {
  configFor,
  ENDPOINT_NAME,
  modelName,
  SCALING,
  type SimulationOptions,
  settingsFor,
  startSimulation,
  when,
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

/** The endpoint serves model 7; models 8 and 9 wait, and 9 has its configuration already. */
const startServingOld = async (t: TestContext, options?: SimulationOptions) => {
  const simulation = await startWithOld(t, options);
  simulation.addModels(9);
  simulation.addConfigs(9);
  simulation.aws.endpoints.add(ENDPOINT_NAME, configFor(7));
  return simulation;
};

const outcomes = (results: readonly PromiseSettledResult<{ kind: string }>[]): string[] =>
  results.map((result) => (result.status === 'fulfilled' ? result.value.kind : String(result.reason)));

test('different models at once: each gets its turn, and the later one is served', async (t) => {
  const { aws, clock, addModels, deploy } = await startSimulation(t);
  addModels(7, 8);

  const [seven, eight] = outcomes(
    await clock.together(
      () => deploy(7),
      () => deploy(8),
    ),
  );

  const isSevenFirst = JSON.stringify(aws.inputs('CreateEndpoint')).includes(configFor(7));
  const [first, last] = isSevenFirst ? [seven, eight] : [eight, seven];
  assert.equal(last, 'rolled out');
  assert.match(first ?? '', /^rolled out$|is not served: .*deployed meanwhile/);
  assert.equal(aws.endpoints.answering(ENDPOINT_NAME), modelName(isSevenFirst ? 8 : 7));
  assert.equal(aws.inputs('UpdateEndpoint').length, 1);
  assert.deepEqual(
    aws.configs.names,
    [7, 8].map(configFor),
    'neither deletes the configuration of the other',
  );
  assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
});

for (const [where, start] of [
  ['on an endpoint', startServingOld],
  ['on no endpoint', startSimulation],
] as const)
  test(`the same model at once ${where}: one change is made, and both see it through`, async (t) => {
    const { aws, clock, addModels, deploy } = await start(t);
    addModels(8);

    const kinds = outcomes(
      await clock.together(
        () => deploy(8),
        () => deploy(8),
      ),
    );

    assert.ok(kinds.includes('rolled out'), String(kinds));
    assert.ok(
      kinds.every((kind) => kind === 'rolled out' || kind === 'unchanged'),
      String(kinds),
    );
    assert.equal(aws.inputs('CreateEndpointConfig').length, 1);
    assert.equal(aws.inputs('CreateEndpoint').length + aws.inputs('UpdateEndpoint').length, 1);
    assert.equal(aws.endpoints.answering(ENDPOINT_NAME), modelName(8));
    assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
  });

test('the same bad model at once: both say that it was rolled back', async (t) => {
  const { aws, models, clock, deploy } = await startServingOld(t);
  models.add('bad', { alarms: ['app-endpoint-latency'] });

  const results = outcomes(
    await clock.together(
      () => deploy(10, { modelName: 'bad' }),
      () => deploy(10, { modelName: 'bad' }),
    ),
  );

  for (const result of results) assert.match(result, /version 10 was rolled back/);
  assert.equal(aws.endpoints.answering(ENDPOINT_NAME), modelName(7));
  assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
});

test('a failed endpoint at once: it is deleted once', async (t) => {
  const { aws, clock, deploy } = await startServingOld(t);
  aws.endpoints.add(ENDPOINT_NAME, configFor(7), { status: 'Failed' });

  await clock.together(
    () => deploy(8),
    () => deploy(8),
  );

  assert.equal(aws.inputs('DeleteEndpoint').length, 1);
  assert.equal(aws.endpoints.answering(ENDPOINT_NAME), modelName(8));
});

test('a model that is not served in the end, because another one is, fails the job', async (t) => {
  const { aws, deploy } = await startServingOld(t);
  const replace = when('is Updating', () => aws.endpoints.add(ENDPOINT_NAME, configFor(9)));
  await assert.rejects(
    deploy(8, {}, replace),
    /version 8 is not served: .*serves model version 9 .*deployed meanwhile/,
  );
});

test('an endpoint that is deleted during its update fails the job', async (t) => {
  const { aws, deploy } = await startServingOld(t);
  await deploy(7);
  const remove = when('is Updating', () =>
    aws.endpoints.transition(ENDPOINT_NAME, 'Deleting', { seconds: 60, next: 'gone' }),
  );
  await assert.rejects(deploy(8, {}, remove), /was deleted during the rollout\..*step again\.$/);
});

test('a configuration that another run deletes just before it is used is created again', async (t) => {
  const { aws, deploy, lines } = await startServingOld(t);
  let deleted = false;
  const clean = when('Updating the endpoint', () => {
    if (!deleted) aws.configs.delete(configFor(8));
    deleted = true;
  });

  assert.equal((await deploy(8, {}, clean)).kind, 'rolled out');

  assert.equal(aws.inputs('CreateEndpointConfig').length, 2);
  assert.ok(lines.some((line) => /does not exist, or not yet.*endpoint-config.*looking again/.test(line)));
  assert.ok(!lines.some((line) => line.includes('Another run')), 'no other run is at work');
});

test('an endpoint that others change all the time is given up at the time limit', async (t) => {
  const { aws, deploy } = await startServingOld(t);
  const change = when('Updating the endpoint', () =>
    aws.endpoints.transition(ENDPOINT_NAME, 'Updating', { seconds: 1, next: 'InService' }),
  );
  await assert.rejects(deploy(8, {}, change), /gives up after 100 minutes: others change.*again and again/);
});

/** AWS carries the first call of an operation out and fails before it has answered. */
const loseAnswer = ({ aws }: Awaited<ReturnType<typeof startSimulation>>, lost: Operation): void => {
  aws.afterCall = (operation) => {
    if (operation !== lost) return;
    aws.afterCall = () => undefined;
    throw new AwsError('InternalFailure', 'Sorry', { status: 500 });
  };
};

/** The endpoint has been serving model 7 for long, with autoscaling, and older configurations are left over. */
const startWithHistory = async (t: TestContext, options: SimulationOptions) => {
  const simulation = await startSimulation(t, options);
  const { clock, addModels, addConfigs, deploy } = simulation;
  addModels(5, 6, 7, 8);
  addConfigs(5, 6);
  await deploy(7);
  clock.advance(600);
  return simulation;
};

for (const operation of [
  'CreateEndpointConfig',
  'DeregisterScalableTarget',
  'UpdateEndpoint',
  'RegisterScalableTarget',
  'PutScalingPolicy',
  'AddTags',
  'DeleteEndpointConfig',
] as const)
  test(`${operation} whose answer is lost is tried again, and changes the endpoint once`, async (t) => {
    const simulation = await startWithHistory(t, { retries: 1 });
    const { aws, deploy } = simulation;
    const before = aws.changes.length;
    loseAnswer(simulation, operation);

    const { kind, summary } = await deploy(8);

    assert.equal(kind, 'rolled out');
    assert.match(summary, /Before, it served model version 7/);
    assert.ok(aws.changes.slice(before).includes(operation));
    assert.equal(aws.inputs('UpdateEndpoint').length, 1);
    assert.equal(aws.endpoints.answering(ENDPOINT_NAME), modelName(8));
    assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
  });

test('CreateEndpoint whose answer is lost is not taken for another run', async (t) => {
  const simulation = await startSimulation(t, { retries: 1 });
  simulation.addModels(7);
  loseAnswer(simulation, 'CreateEndpoint');
  assert.equal((await simulation.deploy(7)).kind, 'rolled out');
  assert.ok(!simulation.lines.some((line) => line.includes('Another run')));
});

for (const [operation, how, retries] of [
  ['UpdateEndpoint', 'whose repetition finds the update under way', 1],
  ['DeregisterScalableTarget', 'whose repetition finds it gone already', 1],
  ['DeregisterScalableTarget', 'which is not repeated', 0],
] as const)
  test(`${operation} without an answer, ${how}, does not hide that a model is rolled back`, async (t) => {
    const simulation = await startWithHistory(t, { retries });
    const { aws, models, deploy } = simulation;
    models.add('bad', { alarms: ['app-endpoint-errors'] });
    loseAnswer(simulation, operation);
    await assert.rejects(deploy(9, { modelName: 'bad' }), retries > 0 ? /was rolled back/ : /Sorry/);
    assert.equal(aws.inputs('UpdateEndpoint').length, retries);
    assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
  });
