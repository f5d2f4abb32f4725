import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AwsError } from '../../../tests/sagemaker/aws-error.ts';
import { configName } from './endpoint-config.ts';
import { ENDPOINT, modelOf, settingsFor, startWorld } from './testing.ts';

const CONFIG_7 = configName(settingsFor(7));
const CONFIG_8 = configName(settingsFor(8));

/** A world in which the endpoint has been serving model 7 for long, and model 8 waits to be deployed. */
const startWithOld = async (...parameters: Parameters<typeof startWorld>) => {
  const world = await startWorld(...parameters);
  for (const version of [7, 8]) world.plane.models.add(modelOf(version));
  world.plane.configs.add(CONFIG_7, modelOf(7));
  return world;
};

for (const [status, then] of [
  ['Updating', 'InService'],
  ['SystemUpdating', 'InService'],
  ['RollingBack', 'InService'],
  ['Creating', 'InService'],
] as const)
  test(`an endpoint that is ${status} is waited for, and then updated`, async (t) => {
    const { plane, deploy } = await startWithOld(t);
    plane.endpoints.add(ENDPOINT, CONFIG_7);
    plane.endpoints.pass(ENDPOINT, status, 600, then);
    assert.equal((await deploy(8)).kind, 'rolled out');
    assert.deepEqual(plane.inputs('UpdateEndpoint').length, 1);
    assert.equal(plane.endpoints.answering(ENDPOINT), modelOf(8));
  });

for (const status of ['OutOfService', 'UpdateRollbackFailed'])
  test(`an endpoint that is ${status} is updated`, async (t) => {
    const { plane, deploy } = await startWithOld(t);
    plane.endpoints.add(ENDPOINT, CONFIG_7, { status });
    assert.equal((await deploy(8)).kind, 'rolled out');
    assert.equal(plane.endpoints.answering(ENDPOINT), modelOf(8));
  });

test('an endpoint that has failed is deleted and created anew', async (t) => {
  const { plane, deploy, lines } = await startWithOld(t);
  plane.endpoints.add(ENDPOINT, CONFIG_7, { status: 'Failed', failureReason: 'The ping failed.' });
  await deploy(8);
  assert.deepEqual(plane.changes.slice(0, 3), ['DeleteEndpoint', 'CreateEndpointConfig', 'CreateEndpoint']);
  assert.equal(plane.endpoints.answering(ENDPOINT), modelOf(8));
  assert.ok(lines.some((line) => line.includes('has failed (The ping failed.)')));
});

test('an endpoint that is being deleted is waited for, and then created anew', async (t) => {
  const { plane, deploy } = await startWithOld(t);
  plane.endpoints.add(ENDPOINT, CONFIG_7);
  plane.endpoints.pass(ENDPOINT, 'Deleting', 300, 'gone');
  await deploy(8);
  assert.equal(plane.inputs('CreateEndpoint').length, 1);
  assert.equal(plane.endpoints.answering(ENDPOINT), modelOf(8));
});

test('a new endpoint whose container does not get ready fails the job with SageMaker’s reason', async (t) => {
  const { plane, deploy } = await startWorld(t);
  plane.models.add(modelOf(7), { container: 'broken' });
  await assert.rejects(
    deploy(7),
    /version 7 is not served: the endpoint image-classifier is Failed.*ping health check.*log group/,
  );
  assert.equal(plane.scaling.of(ENDPOINT), undefined);
});

test('an endpoint that is stuck is given up at the time limit', async (t) => {
  const { plane, deploy } = await startWorld(t);
  plane.models.add(modelOf(7), { container: 'stuck' });
  await assert.rejects(
    deploy(7, { limitMinutes: 30 }),
    /stuck in Creating for \d\d minutes.*log group \/aws\/sagemaker\/Endpoints\/image-classifier/,
  );
});

test('SageMaker that never answers is given up at the time limit', async (t) => {
  const { plane, deploy } = await startWorld(t);
  plane.disturb('DescribeEndpoint', 1000);
  await assert.rejects(deploy(7), /has not answered for \d{3} minutes/);
});

test('an endpoint that others change all the time is given up at the time limit', async (t) => {
  const { plane, deploy } = await startWithOld(t);
  plane.endpoints.add(ENDPOINT, CONFIG_7);
  const onLine = (line: string) => {
    if (line.startsWith('Updating')) plane.endpoints.pass(ENDPOINT, 'Updating', 1, 'InService');
  };
  await assert.rejects(deploy(8, {}, { onLine }), /gives up after 100 minutes.*others again and again/);
});

test('an address at which nobody is fails the job at once', async (t) => {
  const { deploy, server } = await startWorld(t);
  server.close();
  server.closeAllConnections();
  await assert.rejects(deploy(7), /ECONNREFUSED/);
});

test('a configuration that is there already is taken as it is', async (t) => {
  const { plane, deploy } = await startWithOld(t);
  assert.equal((await deploy(7)).kind, 'rolled out');
  assert.deepEqual(plane.inputs('CreateEndpointConfig').length, 0);
});

test('a configuration that somebody else has made under our name is not touched', async (t) => {
  const { plane, deploy } = await startWithOld(t);
  plane.configs.add(CONFIG_8, modelOf(7));
  await assert.rejects(deploy(8), /does not hold model flowers-8.*delete-endpoint-config/);
  assert.deepEqual(plane.changes, []);
});

test('an endpoint whose configuration was deleted cannot be updated, and the job says so', async (t) => {
  const { plane, deploy } = await startWithOld(t);
  plane.endpoints.add(ENDPOINT, CONFIG_7);
  plane.configs.delete({ EndpointConfigName: CONFIG_7 });
  await assert.rejects(deploy(8), /somebody has deleted its configuration.*delete-endpoint --endpoint-name/);
});

test('a model that is not there fails the job at once', async (t) => {
  const { plane, deploy } = await startWorld(t);
  await assert.rejects(deploy(7), /Could not find model/);
  assert.deepEqual(plane.changes, []);
});

test('throttling everywhere only slows a deployment down', async (t) => {
  const { plane, deploy } = await startWithOld(t, { retries: 3 });
  plane.endpoints.add(ENDPOINT, CONFIG_7);
  plane.throttle(3);
  // More often than the SDK tries.
  plane.disturb('DescribeEndpoint', 18);
  assert.equal((await deploy(8)).kind, 'rolled out');
  assert.equal(plane.endpoints.answering(ENDPOINT), modelOf(8));
});

test('faults of AWS while the endpoint is watched only slow a deployment down', async (t) => {
  const { plane, deploy } = await startWithOld(t);
  plane.endpoints.add(ENDPOINT, CONFIG_7);
  plane.disturb('DescribeEndpoint', 3, new AwsError('InternalFailure', 'Sorry', { status: 500 }));
  assert.equal((await deploy(8)).kind, 'rolled out');
});
