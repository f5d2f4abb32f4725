import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configName } from './endpoint-config.ts';
import { ENDPOINT, modelOf, settingsFor, startWorld } from './testing.ts';

const nameOf = (version: number): string => configName(settingsFor(version));

/** The endpoint serves model 7; models 8 and 9 wait, and 9 has its configuration already. */
const startWithOld = async (...parameters: Parameters<typeof startWorld>) => {
  const world = await startWorld(...parameters);
  for (const version of [7, 8, 9]) world.plane.models.add(modelOf(version));
  for (const version of [7, 9]) world.plane.configs.add(nameOf(version), modelOf(version));
  world.plane.endpoints.add(ENDPOINT, nameOf(7));
  return world;
};

/** Does something as soon as the job reports a line with some words. */
const when = (words: string, act: () => void) => ({
  onLine: (line: string) => {
    if (line.includes(words)) act();
  },
});

test('different models at once: each gets its turn, and the later one is served', async (t) => {
  const { plane, clock, deploy } = await startWorld(t);
  for (const version of [7, 8]) plane.models.add(modelOf(version));

  const results = await clock.together(
    () => deploy(7),
    () => deploy(8),
  );

  const first = JSON.stringify(plane.inputs('CreateEndpoint')).includes(nameOf(7)) ? 7 : 8;
  const second = first === 7 ? 8 : 7;
  const kinds = results.map((result) => (result.status === 'fulfilled' ? result.value.kind : result.reason));
  assert.equal(kinds[second - 7], 'rolled out');
  assert.ok(['rolled out', 'replaced'].includes(kinds[first - 7]), String(kinds));
  assert.equal(plane.endpoints.answering(ENDPOINT), modelOf(second));
  assert.equal(plane.inputs('UpdateEndpoint').length, 1);
  assert.deepEqual(plane.configs.names, [nameOf(7), nameOf(8)], 'neither cleans away what is the other’s');
  assert.notEqual(plane.scaling.of(ENDPOINT), undefined);
});

test('the same model at once: one change is made, and both see it through', async (t) => {
  const { plane, clock, deploy } = await startWithOld(t);

  const results = await clock.together(
    () => deploy(8),
    () => deploy(8),
  );

  for (const result of results)
    assert.equal(result.status === 'fulfilled' ? result.value.kind : result.reason, 'rolled out');
  assert.equal(plane.inputs('CreateEndpointConfig').length, 1);
  assert.equal(plane.inputs('UpdateEndpoint').length, 1);
  assert.notEqual(plane.scaling.of(ENDPOINT), undefined);
});

test('the same model at once on no endpoint: one is created, and both see it through', async (t) => {
  const { plane, clock, deploy } = await startWorld(t);
  plane.models.add(modelOf(7));

  const results = await clock.together(
    () => deploy(7),
    () => deploy(7),
  );

  for (const result of results)
    assert.equal(result.status === 'fulfilled' ? result.value.kind : result.reason, 'rolled out');
  assert.deepEqual(plane.changes.filter((change) => change.startsWith('Create')).sort(), [
    'CreateEndpoint',
    'CreateEndpointConfig',
  ]);
});

test('the same bad model at once: both say that it was taken back, and nobody tries it again', async (t) => {
  const { plane, clock, deploy } = await startWithOld(t);
  plane.models.add('bad', { alarms: ['app-endpoint-latency'] });

  const results = await clock.together(
    () => deploy(10, { modelName: 'bad' }),
    () => deploy(10, { modelName: 'bad' }),
  );

  for (const result of results)
    assert.match(String(result.status === 'rejected' && result.reason), /version 10 was taken back/);
  assert.equal(plane.inputs('UpdateEndpoint').length, 1);
});

test('a failed endpoint at once: it is deleted once', async (t) => {
  const { plane, clock, deploy } = await startWithOld(t);
  plane.endpoints.add(ENDPOINT, nameOf(7), { status: 'Failed' });

  await clock.together(
    () => deploy(8),
    () => deploy(8),
  );

  assert.equal(plane.inputs('DeleteEndpoint').length, 1);
  assert.equal(plane.endpoints.answering(ENDPOINT), modelOf(8));
});

test('a model that another run replaces as soon as it is served has been served', async (t) => {
  const { plane, deploy } = await startWithOld(t);
  plane.endpoints.whenServed = (config) => {
    if (config === nameOf(8)) plane.endpoints.pass(ENDPOINT, 'Updating', 900, 'InService', nameOf(9));
  };

  const result = await deploy(8);

  assert.equal(result.kind, 'replaced');
  assert.equal(result.config, nameOf(9));
  assert.match(result.summary, /version 8 was served, but another run is replacing it.*by model version 9/);
  assert.deepEqual(plane.inputs('AddTags'), []);
});

test('a model that another run replaces before it was asked for a photo is not blamed', async (t) => {
  const { plane, deploy } = await startWithOld(t);
  const replace = when('scales from', () => plane.endpoints.add(ENDPOINT, nameOf(9)));

  const result = await deploy(8, { expectedModelVersion: modelOf(8) }, replace);

  assert.equal(result.kind, 'replaced');
  assert.equal(result.config, nameOf(9));
});

test('a model that was never seen in service, while another run’s is, fails the job', async (t) => {
  const { plane, deploy } = await startWithOld(t);
  const replace = when('is Updating', () => plane.endpoints.add(ENDPOINT, nameOf(9)));
  await assert.rejects(
    deploy(8, {}, replace),
    /another run has put model version 9.*never saw its own model/,
  );
});

test('an endpoint that is deleted during its update fails the job', async (t) => {
  const { plane, deploy } = await startWithOld(t);
  await deploy(7);
  const remove = when('is Updating', () => plane.endpoints.pass(ENDPOINT, 'Deleting', 60, 'gone'));
  await assert.rejects(deploy(8, {}, remove), /somebody has deleted the endpoint.*step again\.$/);
});

test('a configuration that another run cleans away just before it is used is made again', async (t) => {
  const { plane, deploy, lines } = await startWithOld(t);
  let cleaned = false;
  const clean = when('Updating the endpoint', () => {
    if (!cleaned) plane.configs.delete({ EndpointConfigName: nameOf(8) });
    cleaned = true;
  });

  assert.equal((await deploy(8, {}, clean)).kind, 'rolled out');

  assert.equal(plane.inputs('CreateEndpointConfig').length, 2);
  assert.ok(lines.some((line) => /is not there, or not yet.*endpoint-config.*looking again/.test(line)));
  assert.ok(!lines.some((line) => line.includes('Another run')), 'nobody else is at work');
});
