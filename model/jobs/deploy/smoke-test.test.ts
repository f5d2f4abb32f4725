import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  configFor,
  ENDPOINT_NAME,
  modelName,
  startSimulation,
} from '../../../scripts/aws-double/simulated-deployment.ts';

const WRONG_ANSWERS = [
  ['probabilities that do not sum to 1', { probabilities: [0.5, 0.75, 0.125] }, /sum to 1.375, not 1/],
  ['fewer probabilities than classes', { probabilities: [0.25, 0.75] }, /2 probabilities for 3 classes/],
  ['no classes', { classes: [] }, /classes/],
  ['a class twice', { classes: ['astilbe', 'bellflower', 'astilbe'] }, /names a class twice/],
  ['a label that is not the likeliest', { label: 'astilbe' }, /bellflower is likelier/],
  ['no version', { model_version: '' }, /model_version/],
  ['invalid JSON', '<html>busy</html>', /not valid JSON/],
] as const;

for (const [what, answer, reason] of WRONG_ANSWERS)
  test(`a model that answers with ${what} fails the job`, async (t) => {
    const { models, deploy } = await startSimulation(t);
    models.add(modelName(7), { answer });
    await assert.rejects(deploy(7), (error: Error) => {
      assert.match(error.message, /version 7 is on the endpoint image-classifier but fails the smoke test/);
      assert.match(error.message, reason);
      return true;
    });
  });

test('another model than the expected one fails the job', async (t) => {
  const { models, deploy } = await startSimulation(t);
  models.add(modelName(7));
  await assert.rejects(
    deploy(7, { expectedModelVersion: '20261101000000' }),
    /model flowers-7 answers, not 20261101000000.*Deploy another model/,
  );
});

test('after an update, a failed smoke test says how to restore the old model, and keeps its configuration', async (t) => {
  const { aws, models, deploy } = await startSimulation(t);
  models.add(modelName(7));
  models.add(modelName(8), { answer: { probabilities: [] } });
  await deploy(7);
  const old = configFor(7);
  await assert.rejects(
    deploy(8),
    new RegExp(`update-endpoint --endpoint-name ${ENDPOINT_NAME} --endpoint-config-name ${old}$`),
  );
  assert.ok(aws.configs.names.includes(old));
});

test('a model that is already served is tested all the same', async (t) => {
  const { models, deploy } = await startSimulation(t);
  models.add(modelName(7));
  await deploy(7);
  await assert.rejects(deploy(7, { expectedModelVersion: 'another' }), /fails the smoke test/);
});

test('an endpoint that does not answer fails the job', async (t) => {
  const { aws, models, deploy } = await startSimulation(t);
  models.add(modelName(7));
  aws.injectFault('InvokeEndpoint', 1);
  await assert.rejects(deploy(7), /does not answer: ThrottlingException/);
});
