import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DescribeScalableTargetsCommand } from '@aws-sdk/client-application-auto-scaling';
import { ListEndpointConfigsCommand } from '@aws-sdk/client-sagemaker';
import { InvokeEndpointCommand } from '@aws-sdk/client-sagemaker-runtime';
import { sendJson, startLocalServer } from '../../../scripts/aws-double/protocol.ts';
import {
  ALARMS,
  ENDPOINT_NAME,
  modelName,
  settingsFor,
  startAwsDouble,
} from '../../../scripts/aws-double/simulated-deployment.ts';
import { temporaryFolder } from '../../../tests/temporary-folder.ts';
import { DEPLOY_ENVIRONMENT, type DeployVariable } from '../../contract/sagemaker-jobs.ts';
import { MESSAGE_FILE } from '../container.ts';
import { createDeployClients, type DeployClients } from './context.ts';
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

const startJobs = async (t: TestContext) => {
  const { clock, models, server } = await startAwsDouble(t);
  const sdk = useSdkEnvironment(t, server.url);
  const environment = (version: number): NodeJS.ProcessEnv => ({
    ...sdk,
    ENDPOINT_NAME: ENDPOINT_NAME,
    MODEL_NAME: modelName(version),
    MODEL_PACKAGE_ARN: settingsFor(version).modelPackage.arn,
    INSTANCE_TYPE: 'ml.m5.large',
    MIN_INSTANCES: '1',
    MAX_INSTANCES: '2',
    ROLLBACK_ALARMS: ALARMS.join(','),
    AWS_REGION: settingsFor(version).region,
    POLL_SECONDS: '100',
  });
  const run = (version: number) =>
    runDeployJob({ environment: environment(version), clock, report: () => undefined });
  return { models, environment, run };
};

test('the job says what is served, why it was rolled back, and what AWS refuses as AWS’s word', async (t) => {
  const { models, run } = await startJobs(t);
  models.add(modelName(7));
  assert.match(await run(7), /^The endpoint image-classifier now serves model version 7, .*flowers-7/);
  models.add(modelName(8), { alarms: ['app-endpoint-errors'] });
  await assert.rejects(run(8), /^Error: Model version 8 was rolled back.*app-endpoint-errors/);
  await assert.rejects(run(9), /^Error: AWS refused .*\(ValidationException\): Could not find model/);
});

test('the process exits cleanly on SIGTERM, and leaves its message', async (t) => {
  const { models, environment } = await startJobs(t);
  models.add(modelName(7), { container: 'stuck' });
  const root = temporaryFolder(t);
  const main = fileURLToPath(new URL('../main.ts', import.meta.url));
  const job = spawn(process.execPath, ['--import', 'tsx', main, 'deploy'], {
    env: { PATH: process.env['PATH'], ...environment(7), OPT_ML_ROOT: root, POLL_SECONDS: '0.1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => job.kill('SIGKILL'));
  const exit = once(job, 'exit');
  const errors = text(job.stderr);
  for await (const line of createInterface(job.stdout)) if (line.includes('is Creating')) job.kill('SIGTERM');
  assert.deepEqual(await exit, [1, null], await errors);
  assert.match(readFileSync(path.join(root, MESSAGE_FILE), 'utf8'), /was stopped/);
});

const CALLS: Readonly<Record<string, (clients: DeployClients) => Promise<unknown>>> = {
  SageMaker: ({ sageMaker }) => sageMaker.send(new ListEndpointConfigsCommand({})),
  'Application Auto Scaling': ({ scaling }) =>
    scaling.send(new DescribeScalableTargetsCommand({ ServiceNamespace: 'sagemaker' })),
  'an endpoint': ({ runtime }) => runtime.send(new InvokeEndpointCommand({ EndpointName: 'e', Body: '{}' })),
};

for (const [name, call] of Object.entries(CALLS))
  test(`a call to ${name} that is not answered is tried again`, { timeout: 10_000 }, async (t) => {
    let requests = 0;
    const { url, stop } = await startLocalServer((_, response) => {
      requests++;
      if (requests > 1) sendJson(response, {});
    });
    useSdkEnvironment(t, url);
    const clients = createDeployClients('ap-northeast-2', 200);
    t.after(() => {
      for (const client of Object.values(clients)) client.destroy();
      return stop();
    });
    await call(clients);
    assert.equal(requests, 2);
  });

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
  assert.deepEqual(readDeploySettings(GIVEN), {
    region: 'ap-northeast-2',
    endpointName: 'image-classifier',
    modelName: 'pipelines-3x0abc-CreateModel-Y1',
    modelPackage: { arn: ARN, version: 12 },
    instanceType: 'ml.m5.large',
    minInstances: 1,
    maxInstances: 2,
    invocationsPerInstance: 1200,
    rollbackAlarms: ['app-endpoint-errors', 'app-endpoint-latency'],
    bakingSeconds: 300,
    pollSeconds: 15,
    limitMinutes: 100,
  });
  assert.deepEqual(readDeploySettings({ ...GIVEN, ROLLBACK_ALARMS: '' }).rollbackAlarms, []);
});

test('a wrong variable is refused by name, and with it all others', () => {
  for (const [variable, value] of [
    ['ENDPOINT_NAME', 'image_classifier'],
    ['ENDPOINT_NAME', 'x'.repeat(44)],
    ['MODEL_PACKAGE_ARN', ARN.replace('/12', '')],
    ['INSTANCE_TYPE', 'm5.large'],
    ['MIN_INSTANCES', '0'],
    ['MAX_INSTANCES', '1.5'],
    ['ROLLBACK_ALARMS', Array.from({ length: 11 }, (_, index) => `alarm-${index}`).join(',')],
    ['BAKING_SECONDS', '3601'],
  ] as const)
    assert.throws(
      () => readDeploySettings({ ...GIVEN, [variable]: value, POLL_SECONDS: '0' }),
      new RegExp(`wrong\\. ${variable}: .*; POLL_SECONDS: `),
      `${variable}=${value}`,
    );
  assert.throws(() => readDeploySettings({ ...GIVEN, MIN_INSTANCES: '3' }), /MIN_INSTANCES: .*MAX_INSTANCES/);
});
