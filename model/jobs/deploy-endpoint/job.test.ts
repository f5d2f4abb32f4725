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
import { modelPackageArn, REGION } from '../../../tests/sagemaker/arns.ts';
import { startControlPlane } from '../../../tests/sagemaker/server.ts';
import { VirtualClock } from '../../../tests/sagemaker/virtual-clock.ts';
import { MESSAGE_FILE } from '../container.ts';
import { runDeployJob } from './job.ts';
import { ALARMS, ENDPOINT, modelOf } from './testing.ts';

const startJobs = async (t: TestContext) => {
  const clock = new VirtualClock();
  const { plane, url } = await startControlPlane(t, { now: clock.now });
  const root = mkdtempSync(path.join(tmpdir(), 'deploy-job-'));
  t.after(() => rmSync(root, { recursive: true }));

  const environment = (version: number): NodeJS.ProcessEnv => ({
    ENDPOINT_NAME: ENDPOINT,
    MODEL_NAME: modelOf(version),
    MODEL_PACKAGE_ARN: modelPackageArn('flowers', version),
    INSTANCE_TYPE: 'ml.m5.large',
    MIN_INSTANCES: '1',
    MAX_INSTANCES: '2',
    ROLLBACK_ALARMS: ALARMS.join(','),
    AWS_REGION: REGION,
    POLL_SECONDS: '100',
    OPT_ML_ROOT: root,
  });
  /** What AWS's SDK reads. */
  const sdkEnvironment = {
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
  const before = { ...process.env };
  Object.assign(process.env, sdkEnvironment);
  t.after(() => {
    process.env = before;
  });

  return {
    plane,
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
  const { plane, run, message } = await startJobs(t);
  plane.models.add(modelOf(7));
  assert.equal(await run({}), 0);
  assert.match(message(), /^The endpoint image-classifier now serves model version 7, .*flowers-7/);
});

test('a model that an alarm takes back ends the job with 1, and SageMaker can show why', async (t) => {
  const { plane, run, message } = await startJobs(t);
  plane.models.add(modelOf(7));
  plane.models.add(modelOf(8), { alarms: ['app-endpoint-errors'] });
  assert.equal(await run({}, 7), 0);
  assert.equal(await run({}, 8), 1);
  assert.match(message(), /^Model version 8 was taken back.*app-endpoint-errors/);
});

test('a wrong environment ends the job with 1 and names every wrong variable', async (t) => {
  const { plane, run, message } = await startJobs(t);
  assert.equal(await run({ MODEL_NAME: '', MIN_INSTANCES: 'two' }), 1);
  assert.match(message(), /environment of the deployment job is wrong.*MODEL_NAME: .*MIN_INSTANCES: /);
  assert.deepEqual(plane.calls, []);
});

test('what AWS refuses is named as AWS’s word', async (t) => {
  const { run, message } = await startJobs(t);
  assert.equal(await run({}), 1);
  assert.match(message(), /^AWS refused .*\(ValidationException\): Could not find model/);
});

test('a message that cannot be written changes nothing else', async (t) => {
  const { plane, root, run } = await startJobs(t);
  plane.models.add(modelOf(7));
  writeFileSync(path.join(root, 'opt'), 'a file where a folder should be');
  assert.equal(await run({}), 0);
});

test('the process stops in order on SIGTERM', async (t) => {
  const { plane, environment, sdkEnvironment, message } = await startJobs(t);
  plane.models.add(modelOf(7), { container: 'stuck' });
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const job = spawn(process.execPath, ['--import', 'tsx', main], {
    env: { PATH: process.env['PATH'], ...environment(7), ...sdkEnvironment, POLL_SECONDS: '0.1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => job.kill('SIGKILL'));
  const exit = once(job, 'exit');
  const errors = text(job.stderr);
  for await (const line of createInterface(job.stdout)) if (line.includes('is Creating')) job.kill('SIGTERM');
  assert.deepEqual(await exit, [1, null], await errors);
  assert.match(message(), /was stopped.*goes on in SageMaker/);
});
