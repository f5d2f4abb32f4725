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
  startSimulation,
  when,
} from '../../../scripts/aws-double/simulated-deployment.ts';

/** The endpoint serves model 7; models 8 and 9 wait, and 9 has its configuration already. */
const startWithOld = async (t: TestContext, options?: SimulationOptions) => {
  const simulation = await startSimulation(t, options);
  const { aws, addModels, addConfigs } = simulation;
  addModels(7, 8, 9);
  addConfigs(7, 9);
  aws.endpoints.add(ENDPOINT_NAME, configFor(7));
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
  ['on an endpoint', startWithOld],
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
  const { aws, models, clock, deploy } = await startWithOld(t);
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
  const { aws, clock, deploy } = await startWithOld(t);
  aws.endpoints.add(ENDPOINT_NAME, configFor(7), { status: 'Failed' });

  await clock.together(
    () => deploy(8),
    () => deploy(8),
  );

  assert.equal(aws.inputs('DeleteEndpoint').length, 1);
  assert.equal(aws.endpoints.answering(ENDPOINT_NAME), modelName(8));
});

test('a model that is not served in the end, because another one is, fails the job', async (t) => {
  const { aws, deploy } = await startWithOld(t);
  const replace = when('is Updating', () => aws.endpoints.add(ENDPOINT_NAME, configFor(9)));
  await assert.rejects(
    deploy(8, {}, replace),
    /version 8 is not served: .*serves model version 9 .*deployed meanwhile/,
  );
});

test('an endpoint that is deleted during its update fails the job', async (t) => {
  const { aws, deploy } = await startWithOld(t);
  await deploy(7);
  const remove = when('is Updating', () =>
    aws.endpoints.transition(ENDPOINT_NAME, 'Deleting', { seconds: 60, next: 'gone' }),
  );
  await assert.rejects(deploy(8, {}, remove), /was deleted during the rollout\..*step again\.$/);
});

test('a configuration that another run deletes just before it is used is created again', async (t) => {
  const { aws, deploy, lines } = await startWithOld(t);
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
  const { aws, deploy } = await startWithOld(t);
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
