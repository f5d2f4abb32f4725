import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../input/json.ts';
import { machinesOf } from './machines.ts';

const told = (...steps: readonly Json[]): readonly string[] =>
  (
    machinesOf(
      JSON.stringify({ Parameters: [{ Name: 'Machine', DefaultValue: 'ml.g5.xlarge' }], Steps: steps }),
    ) ?? []
  ).map(({ step, use, machines }) => `${step}: ${use}: ${machines}`);

const train = (type: Json) => ({
  Name: 'Train',
  Arguments: {
    ResourceConfig: { InstanceType: type, InstanceCount: 2 },
    EnableManagedSpotTraining: true,
    StoppingCondition: { MaxRuntimeInSeconds: 5400 },
  },
});

test('a training job is told with its machines, spot and time limit', () => {
  assert.deepEqual(told(train('ml.g4dn.xlarge')), [
    'Train: training job: 2 × ml.g4dn.xlarge, spot, at most 1.5 h',
  ]);
});

test('a parameter stands for its default', () => {
  assert.deepEqual(told(train({ Get: 'Parameters.Machine' })), [
    'Train: training job: 2 × ml.g5.xlarge, spot, at most 1.5 h',
  ]);
  assert.match(told(train({ Get: 'Steps.Choose.Machine' }))[0] ?? '', /decided when it starts/);
});

test('steps inside a condition are found once; the endpoint is told by what its job is given', () => {
  const deploy = {
    Name: 'Deploy',
    Arguments: {
      ProcessingResources: { ClusterConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1 } },
      Environment: {
        ENDPOINT_NAME: 'flowers',
        INSTANCE_TYPE: 'ml.c5.large',
        MIN_INSTANCES: '1',
        MAX_INSTANCES: '3',
      },
    },
  };
  const register = {
    Name: 'Register',
    Arguments: { Spec: { SupportedRealtimeInferenceInstanceTypes: ['ml.m5.large'] } },
  };
  assert.deepEqual(told({ Name: 'Check', Arguments: { IfSteps: [register, deploy], ElseSteps: [] } }), [
    'Deploy: processing job: 1 × ml.m5.large',
    'Deploy: endpoint flowers, by the hour until it is deleted: 1 to 3 × ml.c5.large',
  ]);
});

test('a machine that is named anywhere else is told with its place', () => {
  assert.deepEqual(told({ Name: 'Tune', Arguments: { Config: '{"Type":"ml.p4d.24xlarge"}' } }), [
    'Tune: named in Config.Type: ml.p4d.24xlarge',
  ]);
});

test('a definition that is only known at apply is said to be unread', () => {
  assert.equal(machinesOf('${file("pipeline.json")}'), undefined);
  assert.equal(machinesOf(undefined), undefined);
});
