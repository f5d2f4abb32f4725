import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { synthesizedStack } from '../../stacks/synthesized-stack.ts';
import { ENDPOINT_ARN, modelName, startSimulation } from './simulated-deployment.ts';

const conditions = z.record(z.string(), z.record(z.string(), z.string())).default({});

/** Permissions of the deployment job's role in our stack. */
const permissions = synthesizedStack()
  .statements()
  .filter(({ address }) => address === 'aws_iam_role_policy.learning-roles-deploy-permissions')
  .map(({ Action, Resource, Condition }) => ({
    actions: Action,
    resources: Resource,
    conditions: conditions.parse(Condition),
  }));

test("the deployment job's role allows everything that a deployment does", async (t) => {
  const { changes, clock, deploy } = await startSimulation(t, {
    statements: permissions,
    models: [6, 7, 8],
  });
  for (const version of [6, 7, 8]) {
    await deploy(version);
    clock.advance(600);
  }
  assert.equal(new Set(changes()).size, 8, 'every kind of change was made');
});

test('it may replace a failed endpoint', async (t) => {
  const { answering, models, deploy } = await startSimulation(t, { statements: permissions });
  models.add(modelName(7), { container: 'broken', passesTrial: true });
  await assert.rejects(deploy(7), /Failed/);
  await deploy(8);
  assert.equal(answering(), modelName(8));
});

test('it may not touch another endpoint', async (t) => {
  const { changes, deploy } = await startSimulation(t, { statements: permissions });
  await assert.rejects(deploy(7, { endpointName: 'another' }), /not authorized to perform: sagemaker:/);
  assert.deepEqual(changes(), []);
});

test('it may tag the endpoint, and nothing else', () => {
  const tagging = permissions.filter(({ actions }) => actions.includes('sagemaker:AddTags'));
  assert.deepEqual(
    tagging.flatMap(({ resources }) => resources),
    [ENDPOINT_ARN],
  );
});
