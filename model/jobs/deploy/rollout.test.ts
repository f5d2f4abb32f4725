import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
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
const startWithOld = async (t: TestContext) => {
  const simulation = await startSimulation(t);
  simulation.addConfigs(7);
  return simulation;
};

for (const status of ['Updating', 'SystemUpdating', 'RollingBack', 'Creating', 'Deleting'] as const)
  test(`an endpoint that is ${status} is waited for, and then updated or created`, async (t) => {
    const { aws, inputs, answering, deploy } = await startSimulation(t, { serving: 7 });
    const next = status === 'Deleting' ? 'gone' : 'InService';
    aws.endpoints.transition(ENDPOINT_NAME, status, { seconds: 600, next });
    assert.equal((await deploy(8)).kind, 'rolled out');
    assert.equal(inputs(next === 'gone' ? 'CreateEndpoint' : 'UpdateEndpoint').length, 1);
    assert.equal(answering(), modelName(8));
  });

for (const status of ['OutOfService', 'UpdateRollbackFailed'] as const)
  test(`an endpoint that is ${status} is updated, also to its own configuration`, async (t) => {
    const { aws, answering, deploy } = await startWithOld(t);
    aws.endpoints.add(ENDPOINT_NAME, configFor(7), { status });
    assert.doesNotMatch((await deploy(7)).summary, /Before/);
    aws.endpoints.add(ENDPOINT_NAME, configFor(7), { status });
    assert.equal((await deploy(8)).kind, 'rolled out');
    assert.equal(answering(), modelName(8));
  });

test('an endpoint that has failed is deleted and created again', async (t) => {
  const { aws, changes, answering, deploy, lines } = await startWithOld(t);
  aws.endpoints.add(ENDPOINT_NAME, configFor(7), { status: 'Failed', failureReason: 'The ping failed.' });
  await deploy(8);
  assert.deepEqual(changes().slice(0, 3), ['CreateEndpointConfig', 'DeleteEndpoint', 'CreateEndpoint']);
  assert.equal(answering(), modelName(8));
  assert.ok(lines.some((line) => line.includes('has failed (The ping failed.)')));
});

type Simulation = Awaited<ReturnType<typeof startSimulation>>;

for (const [what, prepare, reason, scaling] of [
  [
    'whose container does not get ready on a new endpoint',
    ({ models }) => models.add(modelName(8), { container: 'broken', passesTrial: true }),
    /version 8 is not served: the endpoint image-classifier is Failed.*ping health check.*log group/,
  ],
  [
    'for which the endpoint is stuck, at the time limit',
    ({ models }) => models.add(modelName(8), { container: 'stuck', passesTrial: true }),
    /image-classifier has been stuck in Creating for \d\d minutes.*log group \/aws\/sagemaker/,
  ],
  [
    'while SageMaker never answers, at the time limit',
    ({ aws }) => aws.injectFault('DescribeEndpoint', 1000),
    /has not said for \d{3} minutes/,
  ],
  ['at an address where nothing listens, at once', ({ server }) => server.stop(), /ECONNREFUSED/],
  [
    'on an endpoint whose configuration was deleted',
    ({ aws }) => {
      aws.endpoints.add(ENDPOINT_NAME, configFor(7));
      aws.configs.delete(configFor(7));
    },
    /its configuration .* was deleted.*delete-endpoint --endpoint-name/,
    SCALING,
  ],
] satisfies [string, (simulation: Simulation) => unknown, RegExp, object?][])
  test(`a model ${what}, fails the job`, async (t) => {
    const simulation = await startWithOld(t);
    await prepare(simulation);
    await assert.rejects(simulation.deploy(8), reason);
    assert.deepEqual(simulation.aws.autoscaling.find(ENDPOINT_NAME), scaling);
  });

test('a model that does not exist fails the job at once', async (t) => {
  const { changes, deploy } = await startSimulation(t);
  await assert.rejects(deploy(9), /Could not find model/);
  assert.deepEqual(changes(), []);
});

test('throttling everywhere, and faults of AWS, only slow a deployment down', async (t) => {
  for (const error of [undefined, new AwsError('InternalFailure', 'Sorry', { status: 500 })]) {
    const { aws, deploy } = await startSimulation(t, { retries: 3, serving: 7 });
    aws.throttle(3);
    // More often than the SDK tries.
    aws.injectFault('DescribeEndpoint', 18, error);
    assert.equal((await deploy(8)).kind, 'rolled out');
  }
});

test('one in ten instances is the canary, within bounds; a single one is replaced at once', () => {
  for (const [desiredInstances, minInstances, keepsCount, canary] of [
    [1, 1, true, undefined],
    [2, 1, true, 1],
    [19, 1, true, 1],
    [40, 1, true, 4],
    [1, 2, false, 1],
    [41, 1, false, undefined],
  ] as const) {
    const settings = settingsFor(7, {
      minInstances,
      maxInstances: 40,
      bakingSeconds: 3600,
      rollbackAlarms: [],
    });
    const { RetainAllVariantProperties, DeploymentConfig } = updatePolicy(settings, { desiredInstances });
    const { TrafficRoutingConfiguration: routing, ...times } = DeploymentConfig.BlueGreenUpdatePolicy;
    assert.equal(RetainAllVariantProperties, keepsCount, `${desiredInstances}`);
    assert.equal(routing.CanarySize?.Value, canary, `${desiredInstances}`);
    assert.equal(routing.Type, canary ? 'CANARY' : 'ALL_AT_ONCE');
    // Both waits, beside the start.
    const expected = { TerminationWaitInSeconds: 3600, MaximumExecutionTimeoutInSeconds: 10_200 };
    assert.deepEqual(times, expected);
    assert.equal(DeploymentConfig.AutoRollbackConfiguration, undefined);
  }
});

/** The endpoint serves model 7; models 8 and 9 wait, and 9 has its configuration already. */
const startServingOld = async (t: TestContext) => {
  const simulation = await startSimulation(t, { models: [7, 8, 9], serving: 7 });
  simulation.addConfigs(9);
  return simulation;
};

/** Runs the job for two versions at once; resolves to how each ended. */
const both = async ({ clock, deploy }: Simulation, ...versions: readonly [number, number]) => {
  const results = await clock.together(...versions.map((version) => () => deploy(version)));
  return results.map((result) => (result.status === 'fulfilled' ? result.value.kind : String(result.reason)));
};

test('different models at once: each gets its turn, and the later one is served', async (t) => {
  const simulation = await startSimulation(t);
  const { aws, inputs, answering } = simulation;
  const [seven, eight] = await both(simulation, 7, 8);
  const isSevenFirst = JSON.stringify(inputs('CreateEndpoint')).includes(configFor(7));
  const [first, last] = isSevenFirst ? [seven, eight] : [eight, seven];
  assert.equal(last, 'rolled out');
  assert.match(first ?? '', /^rolled out$|is not served: .*deployed meanwhile/);
  assert.equal(answering(), modelName(isSevenFirst ? 8 : 7));
  assert.equal(inputs('UpdateEndpoint').length, 1);
  const kept = 'neither deletes the configuration of the other';
  assert.deepEqual(aws.configs.names, [7, 8].map(configFor), kept);
  assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
});

for (const [where, start] of [
  ['on an endpoint', startServingOld],
  ['on no endpoint', startSimulation],
] as const)
  test(`the same model at once ${where}: one change is made, and both see it through`, async (t) => {
    const simulation = await start(t);
    const { aws, inputs, answering } = simulation;
    const kinds = await both(simulation, 8, 8);
    assert.ok(kinds.includes('rolled out'), String(kinds));
    for (const kind of kinds) assert.match(kind, /^(rolled out|unchanged)$/);
    assert.equal(inputs('CreateEndpointConfig').length, 1);
    assert.equal(inputs('CreateEndpoint').length + inputs('UpdateEndpoint').length, 1);
    assert.equal(answering(), modelName(8));
    assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
  });

test('the same bad model at once: both say that it was rolled back', async (t) => {
  const simulation = await startServingOld(t);
  const { aws, models, answering } = simulation;
  models.add(modelName(8), { alarms: ['app-endpoint-latency'] });
  for (const result of await both(simulation, 8, 8)) assert.match(result, /version 8 was rolled back/);
  assert.equal(answering(), modelName(7));
  assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
});

test('a failed endpoint at once: it is deleted once', async (t) => {
  const simulation = await startServingOld(t);
  simulation.aws.endpoints.add(ENDPOINT_NAME, configFor(7), { status: 'Failed' });
  await both(simulation, 8, 8);
  assert.equal(simulation.inputs('DeleteEndpoint').length, 1);
  assert.equal(simulation.answering(), modelName(8));
});

const MEANWHILE: readonly [what: string, line: string, act: (simulation: Simulation) => void, RegExp][] = [
  [
    'another model is deployed',
    'image-classifier is Updating',
    ({ aws }) => aws.endpoints.add(ENDPOINT_NAME, configFor(9)),
    /version 8 is not served: .*serves model version 9 .*deployed meanwhile/,
  ],
  [
    'the endpoint is deleted',
    'image-classifier is Updating',
    ({ aws }) => aws.endpoints.transition(ENDPOINT_NAME, 'Deleting', { seconds: 60, next: 'gone' }),
    /was deleted during the rollout\..*step again\.$/,
  ],
  [
    'others change the endpoint all the time',
    'Updating the endpoint',
    ({ aws }) => aws.endpoints.transition(ENDPOINT_NAME, 'Updating', { seconds: 1, next: 'InService' }),
    /gives up after 100 minutes: others change.*again and again/,
  ],
];
for (const [what, line, act, reason] of MEANWHILE)
  test(`a job during which ${what} fails, and says so`, async (t) => {
    const simulation = await startServingOld(t);
    const meanwhile = when(line, () => act(simulation));
    await assert.rejects(simulation.deploy(8, {}, meanwhile), reason);
  });

test('a configuration that another run deletes just before it is used is created again', async (t) => {
  const { aws, inputs, deploy, lines } = await startServingOld(t);
  let deleted = false;
  const clean = when('Updating the endpoint', () => {
    if (!deleted) aws.configs.delete(configFor(8));
    deleted = true;
  });
  assert.equal((await deploy(8, {}, clean)).kind, 'rolled out');
  assert.equal(inputs('CreateEndpointConfig').length, 2);
  assert.match(lines.join('\n'), /does not exist, or not yet.*endpoint-config.*looking again/);
  assert.doesNotMatch(lines.join('\n'), /Another run/, 'no other run is at work');
});

/** AWS carries the first call of an operation out and fails before it has answered. */
const loseAnswer = ({ aws }: Simulation, lost: Operation): void => {
  aws.afterCall = (operation) => {
    if (operation !== lost) return;
    aws.afterCall = () => undefined;
    throw new AwsError('InternalFailure', 'Sorry', { status: 500 });
  };
};

/** The endpoint has been serving model 7 for long, with autoscaling, and older configurations are left over. */
const startWithHistory = async (t: TestContext, options: SimulationOptions) => {
  const simulation = await startSimulation(t, { models: [5, 6, 7, 8], deployed: 7, ...options });
  simulation.addConfigs(5, 6);
  simulation.clock.advance(600);
  return simulation;
};

for (const operation of [
  'CreateEndpointConfig',
  'CreateEndpoint',
  'DeleteEndpoint',
  'DeregisterScalableTarget',
  'UpdateEndpoint',
  'RegisterScalableTarget',
  'PutScalingPolicy',
  'AddTags',
  'DeleteEndpointConfig',
] as const)
  test(`${operation} whose answer is lost is tried again, and changes the endpoint once`, async (t) => {
    const simulation = await startWithHistory(t, { retries: 1 });
    const { aws, inputs, answering, deploy } = simulation;
    const before = aws.calls.length;
    loseAnswer(simulation, operation);

    const { kind, summary } = await deploy(8);

    assert.equal(kind, 'rolled out');
    assert.match(summary, /Before, it served model version 7/);
    assert.ok(aws.calls.slice(before).some((call) => call.operation === operation));
    assert.equal(inputs('UpdateEndpoint').length, 1);
    assert.equal(answering(), modelName(8));
    assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
  });

test('CreateEndpoint whose answer is lost is not taken for another run', async (t) => {
  const simulation = await startSimulation(t, { retries: 1 });
  loseAnswer(simulation, 'CreateEndpoint');
  assert.equal((await simulation.deploy(7, {}, { tried: true })).kind, 'rolled out');
  assert.ok(!simulation.lines.some((line) => line.includes('Another run')));
});

for (const [operation, how, retries] of [
  ['UpdateEndpoint', 'whose repetition finds the update under way', 1],
  ['DeregisterScalableTarget', 'whose repetition finds it gone already', 1],
  ['DeregisterScalableTarget', 'which is not repeated', 0],
] as const)
  test(`${operation} without an answer, ${how}, does not hide that a model is rolled back`, async (t) => {
    const simulation = await startWithHistory(t, { retries });
    const { aws, models, inputs, deploy } = simulation;
    models.add('bad', { alarms: ['app-endpoint-errors'] });
    loseAnswer(simulation, operation);
    await assert.rejects(deploy(9, { modelName: 'bad' }), retries > 0 ? /was rolled back/ : /Sorry/);
    assert.equal(inputs('UpdateEndpoint').length, retries);
    assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
  });
