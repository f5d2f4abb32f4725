import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { ListEndpointConfigsCommand } from '@aws-sdk/client-sagemaker';
import { sendJson, startLocalServer } from '../../../scripts/aws-double/protocol.ts';
import {
  ALARMS,
  ENDPOINT_NAME,
  modelName,
  settingsFor,
  startSimulation,
} from '../../../scripts/aws-double/simulated-deployment.ts';
import { DEPLOY_ENVIRONMENT, type DeployVariable } from '../../contract/sagemaker-jobs.ts';
import { MESSAGE_FILE } from '../container.ts';
import { startJob, withContainer } from '../test-jobs.ts';
import { createDeployClients } from './context.ts';
import { runDeployJob } from './job.ts';
import { readDeploySettings } from './settings.ts';

/** Points AWS's SDK at a server, for as long as the test lasts. */
const useSdkEnvironment = (t: TestContext, url: string) => {
  const before = { ...process.env };
  const environment = { AWS_ENDPOINT_URL: url, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
  Object.assign(process.env, environment);
  t.after(() => {
    process.env = before;
  });
  return environment;
};

const ARN = settingsFor(12).modelPackage.arn;

const GIVEN: Record<DeployVariable, string> = {
  [DEPLOY_ENVIRONMENT.endpointName]: ENDPOINT_NAME,
  [DEPLOY_ENVIRONMENT.modelName]: modelName(12),
  [DEPLOY_ENVIRONMENT.modelPackage]: ARN,
  [DEPLOY_ENVIRONMENT.instanceType]: 'ml.m5.large',
  [DEPLOY_ENVIRONMENT.minInstances]: '1',
  [DEPLOY_ENVIRONMENT.maxInstances]: '4',
  [DEPLOY_ENVIRONMENT.rollbackAlarms]: ALARMS.join(','),
  [DEPLOY_ENVIRONMENT.region]: settingsFor(12).region,
};

const startJobs = async (t: TestContext) => {
  const { clock, models, server } = await startSimulation(t, { models: [] });
  const sdk = useSdkEnvironment(t, server.url);
  const environment = (version: number): NodeJS.ProcessEnv => ({
    ...{ ...sdk, ...GIVEN, MODEL_NAME: modelName(version), POLL_SECONDS: '100' },
    MODEL_PACKAGE_ARN: settingsFor(version).modelPackage.arn,
  });
  const run = (version: number) =>
    runDeployJob({ environment: environment(version), clock, report: () => undefined });
  return { models, environment, run };
};

test('the job reports what is served, why it was rolled back, and AWS’s own message when AWS refuses', async (t) => {
  const { models, run } = await startJobs(t);
  models.add(modelName(7));
  assert.match(await run(7), /^The endpoint image-classifier now serves model version 7, .*flowers-7/);
  models.add(modelName(8), { alarms: ['app-endpoint-errors'] });
  await assert.rejects(run(8), /^Error: Model version 8 was rolled back.*app-endpoint-errors/);
  await assert.rejects(run(9), /^Error: AWS refused .*\(ValidationException\): Could not find model/);
});

test('the process exits cleanly on SIGTERM, and leaves its message', (t) =>
  withContainer(async (container) => {
    const { models, environment } = await startJobs(t);
    models.add(modelName(7), { container: 'stuck' });
    const job = startJob(container, ['deploy'], { ...environment(7), POLL_SECONDS: '0.1' });
    await job.printed(/is Creating/g, 1);
    job.kill('SIGTERM');
    const { code, stderr } = await job.ended;
    assert.equal(code, 1, stderr);
    assert.match(await readFile(container.at(MESSAGE_FILE), 'utf8'), /was stopped/);
  }));

test('an unanswered call is retried', { timeout: 20_000 }, async (t) => {
  let requests = 0;
  const { url, stop } = await startLocalServer((_, response) => {
    requests++;
    if (requests > 1) sendJson(response, {});
  });
  useSdkEnvironment(t, url);
  const { sageMaker } = createDeployClients('ap-northeast-2', 200);
  t.after(() => {
    sageMaker.destroy();
    return stop();
  });
  await sageMaker.send(new ListEndpointConfigsCommand({}));
  assert.equal(requests, 2);
});

test('the variables that the pipeline sets are enough', () => {
  assert.deepEqual(readDeploySettings(GIVEN), settingsFor(12, { pollSeconds: 15 }));
  assert.deepEqual(readDeploySettings({ ...GIVEN, ROLLBACK_ALARMS: '' }).rollbackAlarms, []);
});

test('all wrong variables are refused by name, together', () => {
  for (const [variable, value] of [
    ['ENDPOINT_NAME', 'image_classifier'],
    ['MODEL_PACKAGE_ARN', ARN.replace('/12', '')],
    ['INSTANCE_TYPE', 'm5.large'],
    ['MAX_INSTANCES', '1.5'],
    ['ROLLBACK_ALARMS', Array.from({ length: 11 }, (_, index) => `alarm-${index}`).join(',')],
    ['BAKING_SECONDS', '3601'],
  ] as const)
    assert.throws(
      () => readDeploySettings({ ...GIVEN, [variable]: value, POLL_SECONDS: '0' }),
      new RegExp(`job: ${variable}: .*; POLL_SECONDS: `),
      `${variable}=${value}`,
    );
  assert.throws(() => readDeploySettings({ ...GIVEN, MIN_INSTANCES: '5' }), /MIN_INSTANCES: .*MAX_INSTANCES/);
});
