import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { EndpointStatus } from '@aws-sdk/client-sagemaker';
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

type Simulation = Awaited<ReturnType<typeof startSimulation>>;

const INTERNAL = new AwsError('InternalFailure', 'Sorry', { status: 500 });

/** AWS carries the first call of an operation out and fails before it has answered. */
const loseAnswer = ({ aws }: Simulation, lost: Operation): void => {
  aws.afterCall = (operation) => {
    if (operation !== lost) return;
    aws.afterCall = () => undefined;
    throw INTERNAL;
  };
};

/** What is there before version 8 is deployed, and how that ends. */
interface Scenario {
  /** @default the endpoint serves model 7 */
  readonly start?: SimulationOptions;
  readonly prepare?: (simulation: Simulation) => unknown;
  /** What happens as soon as the job reports a line with some words. */
  readonly meanwhile?: readonly [words: string, act: (simulation: Simulation) => void];
  /** Why the job fails. @default - it does not */
  readonly reason?: RegExp;
  /** Version that answers in the end. @default 8, or 7 where the job fails */
  readonly serves?: 9 | 'none';
}

const NEW: SimulationOptions = {};
const SERVED: SimulationOptions = { models: [7, 8, 9], serving: 7 };
const ALARMING = { alarms: ['app-endpoint-errors'] } as const;

const whileIn = (status: EndpointStatus): Scenario => ({
  prepare: ({ aws }) => {
    const next = status === 'Deleting' ? 'gone' : 'InService';
    aws.endpoints.transition(ENDPOINT_NAME, status, { seconds: 600, next });
  },
});

const settledIn = (status: EndpointStatus): Scenario => ({
  prepare: ({ aws }) => aws.endpoints.add(ENDPOINT_NAME, configFor(7), { status }),
});

/** Long after a deployment, from which older configurations are left over. */
const losing = (operation: Operation, retries = 1, reason?: RegExp): Scenario => ({
  start: { models: [5, 6, 7, 8], deployed: 7, retries },
  prepare: (simulation) => {
    simulation.addConfigs(5, 6);
    simulation.clock.advance(600);
    if (reason) simulation.models.add(modelName(8), ALARMING);
    loseAnswer(simulation, operation);
  },
  ...(reason && { reason }),
});

const LOST: readonly Operation[] = [
  ...(['CreateEndpointConfig', 'CreateEndpoint', 'DeleteEndpoint', 'DeregisterScalableTarget'] as const),
  ...(['UpdateEndpoint', 'RegisterScalableTarget', 'PutScalingPolicy', 'AddTags'] as const),
  'DeleteEndpointConfig',
];

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'while the endpoint is Updating': whileIn('Updating'),
  'while the endpoint is SystemUpdating': whileIn('SystemUpdating'),
  'while the endpoint is RollingBack': whileIn('RollingBack'),
  'while the endpoint is Creating': whileIn('Creating'),
  'while the endpoint is Deleting': whileIn('Deleting'),
  'to an endpoint that is OutOfService': settledIn('OutOfService'),
  'to an endpoint that is UpdateRollbackFailed': settledIn('UpdateRollbackFailed'),
  'to an endpoint that has Failed, which is deleted': settledIn('Failed'),
  'whose container does not get ready on a new endpoint': {
    start: NEW,
    prepare: ({ models }) => models.add(modelName(8), { container: 'broken', passesTrial: true }),
    reason: /version 8 is not served: the endpoint image-classifier is Failed.*ping health check.*log group/,
    serves: 'none',
  },
  'for which the endpoint is stuck, until the time limit': {
    start: NEW,
    prepare: ({ models }) => models.add(modelName(8), { container: 'stuck', passesTrial: true }),
    reason: /image-classifier has been stuck in Creating for \d\d minutes.*log group \/aws\/sagemaker/,
    serves: 'none',
  },
  'while SageMaker never answers, until the time limit': {
    start: NEW,
    prepare: ({ aws }) => aws.injectFault('DescribeEndpoint', 1000),
    reason: /has not reported .* for \d{3} minutes/,
    serves: 'none',
  },
  'at an address where nothing listens': {
    start: NEW,
    prepare: ({ server }) => server.stop(),
    reason: /ECONNREFUSED/,
    serves: 'none',
  },
  'that does not exist': { start: { models: [] }, reason: /Could not find model/, serves: 'none' },
  'for which an alarm goes off': {
    prepare: ({ models }) => models.add(modelName(8), ALARMING),
    reason: /was rolled back: .* 7 .*errors is in state ALARM.*app-endpoint-errors, app-endpoint-latency/,
  },
  'while another model is deployed': {
    meanwhile: [
      'image-classifier is Updating',
      ({ aws, addConfigs }) => {
        addConfigs(9);
        aws.endpoints.add(ENDPOINT_NAME, configFor(9));
      },
    ],
    reason: /version 8 is not served: .*serves model version 9 .*deployed meanwhile/,
    serves: 9,
  },
  'while the endpoint is deleted': {
    meanwhile: [
      'image-classifier is Updating',
      ({ aws }) => aws.endpoints.transition(ENDPOINT_NAME, 'Deleting', { seconds: 60, next: 'gone' }),
    ],
    reason: /was deleted during the rollout\..*step again\.$/,
    serves: 'none',
  },
  'while others change the endpoint all the time': {
    meanwhile: [
      'Updating the endpoint',
      ({ aws }) => aws.endpoints.transition(ENDPOINT_NAME, 'Updating', { seconds: 1, next: 'InService' }),
    ],
    reason: /gives up after 100 minutes: others keep changing/,
  },
  // More often than the SDK tries.
  'while AWS throttles everything': {
    start: { ...SERVED, retries: 3 },
    prepare: ({ aws }) => {
      aws.throttle(3);
      aws.injectFault('DescribeEndpoint', 18);
    },
  },
  'while AWS has faults': { prepare: ({ aws }) => aws.injectFault('DescribeEndpoint', 3, INTERNAL) },
  ...Object.fromEntries(LOST.map((operation) => [`with ${operation} answered late`, losing(operation)])),
  'that is bad, with UpdateEndpoint answered late': losing('UpdateEndpoint', 1, /was rolled back/),
  'that is bad, with autoscaling never answered for': losing('DeregisterScalableTarget', 0, /Sorry/),
};

for (const [what, { start = SERVED, prepare, meanwhile, reason, serves }] of Object.entries(SCENARIOS))
  test(`a model is deployed ${what}`, async (t) => {
    const simulation = await startSimulation(t, start);
    const { aws, changes, answering, deploy } = simulation;
    const before = changes().length;
    await prepare?.(simulation);
    const [words, act] = meanwhile ?? [];
    const deployed = deploy(8, {}, words && act ? when(words, () => act(simulation)) : {});
    if (reason) await assert.rejects(deployed, reason);
    else {
      assert.equal((await deployed).kind, 'rolled out');
      const made = changes()
        .slice(before)
        .filter((name) => /^(Create|Update)Endpoint$/.test(name));
      assert.equal(made.length, 1, made.join());
    }
    const version = serves ?? (reason ? 7 : 8);
    assert.equal(answering(), version === 'none' ? undefined : modelName(version));
    assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), version === 'none' ? undefined : SCALING);
  });

test('an endpoint whose configuration was deleted cannot be updated, and scales as before', async (t) => {
  const { aws, deploy } = await startSimulation(t, SERVED);
  aws.configs.delete(configFor(7));
  await assert.rejects(deploy(8), /its configuration .* was deleted.*delete-endpoint --endpoint-name/);
  assert.deepEqual(aws.autoscaling.find(ENDPOINT_NAME), SCALING);
});

test('one in ten instances is the canary, within bounds; a single one is replaced at once', () => {
  for (const [desiredInstances, minInstances, keepsCount, canary] of [
    [1, 1, true, undefined],
    [2, 1, true, 1],
    [40, 1, true, 4],
    [1, 2, false, 1],
    [41, 1, false, undefined],
  ] as const) {
    const settings = settingsFor(7, { minInstances, maxInstances: 40, rollbackAlarms: [] });
    const { RetainAllVariantProperties, DeploymentConfig } = updatePolicy(settings, { desiredInstances });
    const { TrafficRoutingConfiguration: routing } = DeploymentConfig.BlueGreenUpdatePolicy;
    assert.equal(RetainAllVariantProperties, keepsCount, `${desiredInstances}`);
    assert.equal(routing.CanarySize?.Value, canary, `${desiredInstances}`);
    assert.equal(routing.Type, canary ? 'CANARY' : 'ALL_AT_ONCE');
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

test('different models at once: they are deployed in turn, and the later one is served', async (t) => {
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
  test(`the same model at once ${where}: one change is made, and both wait for it`, async (t) => {
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

test('a configuration that another run deletes just before its use is created again', async (t) => {
  const { aws, inputs, deploy, lines } = await startServingOld(t);
  let deleted = false;
  const clean = when('Updating the endpoint', () => {
    if (!deleted) aws.configs.delete(configFor(8));
    deleted = true;
  });
  assert.equal((await deploy(8, {}, clean)).kind, 'rolled out');
  assert.equal(inputs('CreateEndpointConfig').length, 2);
  assert.match(lines.join('\n'), /does not exist \(yet\).*endpoint-config.*Checking again/);
  assert.doesNotMatch(lines.join('\n'), /Another run/, 'no other run is at work');
});
