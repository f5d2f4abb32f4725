import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEPLOY_ENVIRONMENT, type DeployVariable } from '../../contract/sagemaker-jobs.ts';
import { readEnvironment } from './environment.ts';

const ARN = 'arn:aws:sagemaker:ap-northeast-2:123456789012:model-package/app-flower-classifier/12';

const GIVEN: Record<DeployVariable, string> = {
  [DEPLOY_ENVIRONMENT.endpointName]: 'image-classifier',
  [DEPLOY_ENVIRONMENT.modelName]: 'pipelines-3x0abc-CreateModel-Y1',
  [DEPLOY_ENVIRONMENT.modelPackage]: ARN,
  [DEPLOY_ENVIRONMENT.instanceType]: 'ml.m5.large',
  [DEPLOY_ENVIRONMENT.minInstances]: '1',
  [DEPLOY_ENVIRONMENT.maxInstances]: '2',
  [DEPLOY_ENVIRONMENT.rollbackAlarms]: 'app-endpoint-errors,app-endpoint-latency',
  [DEPLOY_ENVIRONMENT.region]: 'ap-northeast-2',
};

test('what the pipeline gives is enough', () => {
  assert.deepEqual(readEnvironment(GIVEN), {
    region: 'ap-northeast-2',
    endpointName: 'image-classifier',
    modelName: 'pipelines-3x0abc-CreateModel-Y1',
    modelPackage: { arn: ARN, version: 12 },
    expectedModelVersion: undefined,
    instanceType: 'ml.m5.large',
    minInstances: 1,
    maxInstances: 2,
    invocationsPerInstance: 1200,
    rollbackAlarms: ['app-endpoint-errors', 'app-endpoint-latency'],
    bakingSeconds: 300,
    pollSeconds: 15,
    limitMinutes: 100,
  });
});

test('there may be no alarms', () => {
  assert.deepEqual(readEnvironment({ ...GIVEN, ROLLBACK_ALARMS: '' }).rollbackAlarms, []);
});

for (const [variable, value] of [
  ['ENDPOINT_NAME', 'image_classifier'],
  ['ENDPOINT_NAME', 'x'.repeat(44)],
  ['MODEL_PACKAGE_ARN', ARN.replace('/12', '')],
  ['INSTANCE_TYPE', 'm5.large'],
  ['MIN_INSTANCES', '0'],
  ['MIN_INSTANCES', '3'],
  ['MAX_INSTANCES', '1.5'],
  ['ROLLBACK_ALARMS', Array.from({ length: 11 }, (_, index) => `alarm-${index}`).join(',')],
  ['BAKING_SECONDS', '3601'],
] as const)
  test(`${variable}=${value.slice(0, 60)} is refused by name`, () => {
    assert.throws(
      () => readEnvironment({ ...GIVEN, [variable]: value }),
      new RegExp(`wrong\\. ${variable}: `),
    );
  });
