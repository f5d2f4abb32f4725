import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
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
  const { aws, clock, models, addModels, server } = await startAwsDouble(t);
  const root = temporaryFolder(t);

  const environment = (version: number): NodeJS.ProcessEnv => ({
    ENDPOINT_NAME: ENDPOINT_NAME,
    MODEL_NAME: modelName(version),
    MODEL_PACKAGE_ARN: settingsFor(version).modelPackage.arn,
    INSTANCE_TYPE: 'ml.m5.large',
    MIN_INSTANCES: '1',
    MAX_INSTANCES: '2',
    ROLLBACK_ALARMS: ALARMS.join(','),
    AWS_REGION: settingsFor(version).region,
    POLL_SECONDS: '100',
    OPT_ML_ROOT: root,
  });
  const sdkEnvironment = useSdkEnvironment(t, server.url);

  return {
    aws,
    models,
    addModels,
    root,
    environment,
    sdkEnvironment,
    message: () => readFileSync(path.join(root, MESSAGE_FILE), 'utf8'),
    run: (changes: NodeJS.ProcessEnv, version = 7) =>
      runDeployJob({
        environment: { ...environment(version), ...changes },
        clock,
        print: () => undefined,
      }),
  };
};

test('the job ends well and says what is served', async (t) => {
  const { addModels, run, message } = await startJobs(t);
  addModels(7);
  assert.equal(await run({}), 0);
  assert.match(message(), /^The endpoint image-classifier now serves model version 7, .*flowers-7/);
});

test('a model that is rolled back ends the job with 1, and SageMaker can show why', async (t) => {
  const { models, addModels, run, message } = await startJobs(t);
  addModels(7);
  models.add(modelName(8), { alarms: ['app-endpoint-errors'] });
  assert.equal(await run({}, 7), 0);
  assert.equal(await run({}, 8), 1);
  assert.match(message(), /^Model version 8 was rolled back.*app-endpoint-errors/);
});

test('a wrong environment ends the job with 1 and names every wrong variable', async (t) => {
  const { aws, run, message } = await startJobs(t);
  assert.equal(await run({ MODEL_NAME: '', MIN_INSTANCES: 'two' }), 1);
  assert.match(message(), /environment of the deployment job is wrong.*MODEL_NAME: .*MIN_INSTANCES: /);
  assert.deepEqual(aws.calls, []);
});

test('what AWS refuses is reported as AWS’s word', async (t) => {
  const { run, message } = await startJobs(t);
  assert.equal(await run({}), 1);
  assert.match(message(), /^AWS refused .*\(ValidationException\): Could not find model/);
});

test('a message that cannot be written changes nothing else', async (t) => {
  const { addModels, root, run } = await startJobs(t);
  addModels(7);
  writeFileSync(path.join(root, 'opt'), 'a file where a folder should be');
  assert.equal(await run({}), 0);
});

test('the process exits cleanly on SIGTERM', async (t) => {
  const { models, environment, sdkEnvironment, message } = await startJobs(t);
  models.add(modelName(7), { container: 'stuck' });
  const main = fileURLToPath(new URL('../main.ts', import.meta.url));
  const job = spawn(process.execPath, ['--import', 'tsx', main, 'deploy'], {
    env: { PATH: process.env['PATH'], ...environment(7), ...sdkEnvironment, POLL_SECONDS: '0.1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => job.kill('SIGKILL'));
  const exit = once(job, 'exit');
  const errors = text(job.stderr);
  for await (const line of createInterface(job.stdout)) if (line.includes('is Creating')) job.kill('SIGTERM');
  assert.deepEqual(await exit, [1, null], await errors);
  assert.match(message(), /was stopped/);
});

/** Clients of an AWS that never answers the first request, and every later one with an empty object. */
const startSilent = async (t: TestContext) => {
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
  return { clients, requests: () => requests };
};

const CALLS = {
  SageMaker: ({ sageMaker }) => sageMaker.send(new ListEndpointConfigsCommand({})),
  'Application Auto Scaling': ({ scaling }) =>
    scaling.send(new DescribeScalableTargetsCommand({ ServiceNamespace: 'sagemaker' })),
  'an endpoint': ({ runtime }) => runtime.send(new InvokeEndpointCommand({ EndpointName: 'e', Body: '{}' })),
} satisfies Record<string, (clients: DeployClients) => Promise<unknown>>;

for (const [name, call] of Object.entries(CALLS))
  test(`a call to ${name} that is not answered is tried again`, { timeout: 10_000 }, async (t) => {
    const { clients, requests } = await startSilent(t);
    await call(clients);
    assert.equal(requests(), 2);
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
  assert.deepEqual(readDeploySettings({ ...GIVEN, ROLLBACK_ALARMS: '' }).rollbackAlarms, []);
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
      () => readDeploySettings({ ...GIVEN, [variable]: value }),
      new RegExp(`wrong\\. ${variable}: `),
    );
  });
