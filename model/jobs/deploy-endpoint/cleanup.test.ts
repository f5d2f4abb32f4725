import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configName } from './endpoint-config.ts';
import { ENDPOINT, modelOf, settingsFor, startWorld } from './testing.ts';

const VERSIONS = [3, 4, 5, 6, 7, 8, 9];
const nameOf = (version: number): string => configName(settingsFor(version));

const startWithHistory = async (...parameters: Parameters<typeof startWorld>) => {
  const world = await startWorld(...parameters);
  const { plane, clock } = world;
  for (const version of VERSIONS) plane.models.add(modelOf(version));
  for (const version of [3, 4, 5, 6]) plane.configs.add(nameOf(version), modelOf(version));
  plane.endpoints.add(ENDPOINT, nameOf(5));
  clock.pass(600);
  return world;
};

test('after a rollout, what is served and what was served before stay; older ones go', async (t) => {
  const { plane, deploy } = await startWithHistory(t);
  await deploy(8);
  assert.deepEqual(plane.configs.names, [nameOf(5), nameOf(8)]);
});

test('configurations that this job has not made stay, also those of an endpoint with a similar name', async (t) => {
  const { plane, clock, deploy } = await startWithHistory(t);
  const others = [
    'image-classifier-by-hand',
    'image-classifier-dev2-3-0123abcd',
    'image-classifier-2-3-0123abcd',
    'my-image-classifier-3-0123abcd',
  ];
  for (const name of others) plane.configs.add(name, modelOf(3));
  clock.pass(600);
  await deploy(8);
  assert.deepEqual(plane.configs.names, [...others, nameOf(5), nameOf(8)].sort());
});

test('more configurations than SageMaker lists at a time are all found', async (t) => {
  const { plane, clock, deploy } = await startWithHistory(t);
  for (let count = 10; count < 35; count++) plane.configs.add(`${ENDPOINT}-2-000000${count}`, modelOf(3));
  clock.pass(600);
  await deploy(8);
  assert.deepEqual(plane.configs.names, [nameOf(5), nameOf(8)]);
});

test('a configuration that another run may have just made stays', async (t) => {
  const { plane, deploy } = await startWithHistory(t);
  plane.configs.add(nameOf(9), modelOf(9));
  await deploy(8);
  assert.deepEqual(plane.configs.names, [nameOf(5), nameOf(8), nameOf(9)]);
});

test('an old configuration that another run goes back to while older ones are deleted stays', async (t) => {
  const { plane, deploy } = await startWithHistory(t);
  plane.whenDone = (operation) => {
    if (operation !== 'DeleteEndpointConfig') return;
    plane.whenDone = () => undefined;
    plane.endpoints.pass(ENDPOINT, 'Updating', 900, 'InService', nameOf(4));
  };
  await deploy(8);
  assert.deepEqual(plane.configs.names, [4, 5, 8].map(nameOf));
});

test('a new endpoint keeps the youngest of the configurations that are left over', async (t) => {
  const { plane, deploy } = await startWithHistory(t);
  plane.endpoints.pass(ENDPOINT, 'Deleting', 60, 'gone');
  await deploy(8);
  const [kept, ...others] = plane.configs.names.filter((name) => name !== nameOf(8));
  assert.equal(others.length, 0);
  assert.ok(kept);
});

test('an endpoint that is brought back into service keeps another configuration to go back to', async (t) => {
  const { plane, deploy } = await startWithHistory(t);
  plane.endpoints.add(ENDPOINT, nameOf(5), { status: 'OutOfService' });
  const { summary } = await deploy(5);
  assert.equal(plane.configs.names.length, 2);
  assert.doesNotMatch(summary, /Before/);
});

test('a rollout that failed deletes nothing', async (t) => {
  const { plane, deploy } = await startWithHistory(t);
  plane.models.add('flowers-10', { alarms: ['app-endpoint-errors'] });
  await assert.rejects(deploy(10));
  assert.deepEqual(plane.configs.names, [3, 4, 5, 6, 10].map(nameOf).sort());
});

test('what cannot be deleted does not fail a deployment', async (t) => {
  const { deploy, lines } = await startWithHistory(t, {
    statements: [
      {
        actions: ['sagemaker:C*', 'sagemaker:D*Endpoint', 'sagemaker:DescribeEndpointConfig'],
        resources: ['*'],
      },
      { actions: ['sagemaker:*Tags', 'sagemaker:*e*Endpoint', 'sagemaker:List*'], resources: ['*'] },
      { actions: ['application-autoscaling:*', 'cloudwatch:*', 'iam:*'], resources: ['*'] },
    ],
  });
  assert.equal((await deploy(8)).kind, 'rolled out');
  assert.match(lines.at(-1) ?? '', /left over: .*not authorized to perform: sagemaker:DeleteEndpointConfig/);
});
