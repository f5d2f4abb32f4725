import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { ENDPOINT, modelOf, startWorld } from '../../model/jobs/deploy-endpoint/testing.ts';
import { synthesizedStack } from '../../stacks/synthesized-stack.ts';
import { endpointArn } from './arns.ts';

const conditions = z.record(z.string(), z.record(z.string(), z.string())).default({});

/** What the deployment job's role may do in the cloud that we define. */
const deployRights = synthesizedStack()
  .statements()
  .filter(({ address }) => address === 'aws_iam_role_policy.learning-roles-deploy-permissions')
  .map(({ Action, Resource, Condition }) => ({
    actions: Action,
    resources: Resource,
    conditions: conditions.parse(Condition),
  }));

test('the role of the deployment job may do all that a deployment does', async (t) => {
  const { plane, clock, deploy } = await startWorld(t, { statements: deployRights });
  for (const version of [6, 7, 8]) {
    plane.models.add(modelOf(version));
    await deploy(version);
    clock.pass(600);
  }
  const carriedOut = new Set(plane.changes);
  for (const change of [
    'CreateEndpointConfig',
    'CreateEndpoint',
    'UpdateEndpoint',
    'DeleteEndpointConfig',
    'AddTags',
    'DeregisterScalableTarget',
    'RegisterScalableTarget',
    'PutScalingPolicy',
  ] as const)
    assert.ok(carriedOut.has(change), change);
});

test('it may replace an endpoint that has failed', async (t) => {
  const { plane, deploy } = await startWorld(t, { statements: deployRights });
  plane.models.add(modelOf(7), { container: 'broken' });
  plane.models.add(modelOf(8));
  await assert.rejects(deploy(7), /Failed/);
  await deploy(8);
  assert.equal(plane.endpoints.answering(ENDPOINT), modelOf(8));
});

test('it may not touch another endpoint', async (t) => {
  const { plane, deploy } = await startWorld(t, { statements: deployRights });
  plane.models.add(modelOf(7));
  await assert.rejects(deploy(7, { endpointName: 'another' }), /not authorized to perform: sagemaker:/);
  assert.deepEqual(plane.changes, []);
});

test('it may tag the endpoint, and nothing else', () => {
  const tagging = deployRights.filter(({ actions }) => actions.includes('sagemaker:AddTags'));
  assert.deepEqual(
    tagging.flatMap(({ resources }) => resources),
    [endpointArn(ENDPOINT)],
  );
});
