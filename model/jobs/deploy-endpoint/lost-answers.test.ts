import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AwsError } from '../../../tests/sagemaker/aws-error.ts';
import type { Operation } from '../../../tests/sagemaker/operations.ts';
import { configName } from './endpoint-config.ts';
import { ENDPOINT, modelOf, settingsFor, startWorld } from './testing.ts';

/** The endpoint has been serving model 7 for long, with autoscaling, and older configurations are left over. */
const startWithOld = async (...parameters: Parameters<typeof startWorld>) => {
  const world = await startWorld(...parameters);
  const { plane, clock, deploy } = world;
  for (const version of [5, 6, 7, 8]) plane.models.add(modelOf(version));
  for (const version of [5, 6]) plane.configs.add(configName(settingsFor(version)), modelOf(version));
  await deploy(7);
  clock.pass(600);

  /** AWS carries the first call of an operation out and fails before it has answered. */
  const loseAnswer = (lost: Operation): void => {
    plane.whenDone = (operation) => {
      if (operation !== lost) return;
      plane.whenDone = () => undefined;
      throw new AwsError('InternalFailure', 'Sorry', { status: 500 });
    };
  };
  return { ...world, loseAnswer };
};

const CHANGES = [
  'CreateEndpointConfig',
  'DeregisterScalableTarget',
  'UpdateEndpoint',
  'RegisterScalableTarget',
  'PutScalingPolicy',
  'AddTags',
  'DeleteEndpointConfig',
] as const;

for (const operation of CHANGES)
  test(`${operation} whose answer is lost is tried again, and changes the endpoint once`, async (t) => {
    const { plane, deploy, loseAnswer } = await startWithOld(t, { retries: 1 });
    const before = plane.changes.length;
    loseAnswer(operation);

    assert.equal((await deploy(8)).kind, 'rolled out');

    assert.ok(plane.changes.slice(before).includes(operation));
    assert.equal(plane.inputs('UpdateEndpoint').length, 1);
    assert.equal(plane.endpoints.answering(ENDPOINT), modelOf(8));
    assert.notEqual(plane.scaling.of(ENDPOINT), undefined);
  });

for (const [how, retries] of [
  ['whose repetition finds it gone already', 1],
  ['and is not repeated', 0],
] as const)
  test(`autoscaling that was suspended by a call without an answer ${how} is back after a failed rollout`, async (t) => {
    const { plane, deploy, loseAnswer } = await startWithOld(t, { retries });
    plane.models.add('bad', { alarms: ['app-endpoint-errors'] });
    loseAnswer('DeregisterScalableTarget');
    await assert.rejects(deploy(9, { modelName: 'bad' }));
    assert.notEqual(plane.scaling.of(ENDPOINT), undefined);
  });
