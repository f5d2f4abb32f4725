import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  ALARMS,
  ENDPOINT_NAME,
  modelName,
  settingsFor,
  startAwsDouble,
} from '../../../scripts/aws-double/simulated-deployment.ts';
import { MESSAGE_FILE } from '../container.ts';
import { runDeployJob } from './job.ts';

const startJobs = async (t: TestContext) => {
  const { aws, clock, models, addModels, server } = await startAwsDouble(t);
  const root = mkdtempSync(path.join(tmpdir(), 'deploy-job-'));
  t.after(() => rmSync(root, { recursive: true }));

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
  /** What AWS's SDK reads. */
  const sdkEnvironment = {
    AWS_ENDPOINT_URL: server.url,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
  const before = { ...process.env };
  Object.assign(process.env, sdkEnvironment);
  t.after(() => {
    process.env = before;
  });

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

test('what AWS refuses is named as AWS’s word', async (t) => {
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

test('the process stops in order on SIGTERM', async (t) => {
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
