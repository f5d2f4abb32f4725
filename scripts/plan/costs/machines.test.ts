import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PIPELINE_SETTINGS } from '../../../stacks/learning/pipeline-settings-fixture.ts';
import { type PipelineSettings, pipelineDefinitions } from '../../../stacks/learning/pipelines.ts';
import { machinesOf } from './machines.ts';

const deploy = (changes: Partial<PipelineSettings> = {}) =>
  pipelineDefinitions({ ...PIPELINE_SETTINGS, ...changes }).deploy;

const told = (changes: Partial<PipelineSettings> = {}): readonly string[] =>
  (machinesOf(JSON.stringify(deploy(changes))) ?? []).map(
    ({ step, use, machines }) => `${step}: ${use}: ${machines}`,
  );

test('jobs are told with their machines, spot and time limit; the endpoint by what its job is given', () => {
  assert.deepEqual(told({ trainingHours: 1.5 }), [
    'Train: training job: 1 × ml.g4dn.xlarge, spot, at most 1.5 h',
    'Evaluate: processing job: 1 × ml.m5.large, at most 1 h',
    'DeployEndpoint: processing job: 1 × ml.m5.large, at most 2 h',
    'DeployEndpoint: endpoint image-classifier, by the hour until it is deleted: 1 to 3 × ml.c5.xlarge',
  ]);
});

test('a training on demand and an endpoint of a fixed size are told as such', () => {
  const lines = told({ trainingSpot: false, endpointMinInstances: 3 });
  assert.equal(lines[0], 'Train: training job: 1 × ml.g4dn.xlarge, at most 4 h');
  assert.match(lines.at(-1) ?? '', /: 3 × ml\.c5\.xlarge$/);
});

test('a definition that is only known at apply, or has another shape, is said to be unread', () => {
  assert.equal(machinesOf('${file("pipeline.json")}'), undefined);
  assert.equal(machinesOf(undefined), undefined);
  assert.equal(machinesOf(JSON.stringify({ ...deploy(), Tuning: {} })), undefined);
});
