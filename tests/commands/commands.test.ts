import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ECRClient, PutImageCommand } from '@aws-sdk/client-ecr';
import { ROOT } from '../../scripts/shared/paths.ts';
import {
  ACCOUNT,
  type Emulator,
  emulatorOverride,
  findEmulator,
  MISSING_MOTO,
  startEmulator,
} from '../deploy/emulator/emulator.ts';
import { findOnPath, need, needTerraform } from '../requirements.ts';

/**
 * The commands that people type, in order, on a copy of the project and against the emulator: the official CLI of cdktf
 * deploys, and ours continue from there. A second deployment of the same environment lives beside it.
 */

const CLI = 'cdktf-cli@0.21.0';
const MEBIBYTE = 2 ** 20;
const CREDENTIALS = { accessKeyId: 'emulator', secretAccessKey: 'emulator' };

/** Of util-linux, whose `script` gives a command a terminal of its own. */
const terminal = process.platform === 'linux' ? findOnPath('script') : undefined;
const missing = [
  (await needTerraform()).options,
  need('emulator', findEmulator(), MISSING_MOTO),
  need('programs', terminal, 'a question is answered in a terminal that script of util-linux makes'),
].find(({ skip }) => skip);
const options = missing ?? {};
/** Three minutes more, which CI does not take. */
const withSecond = process.env['TWO_DEPLOYMENTS'] ? options : { skip: 'set TWO_DEPLOYMENTS=1 to run it' };

let emulator: Emulator;
let project: string;

before(async () => {
  if (missing) return;
  emulator = await startEmulator();
  project = mkdtempSync(path.join(tmpdir(), 'bloomstack-commands-'));
  for (const name of readdirSync(ROOT).filter((each) => /\.json$|^main\.ts$|^\.npmrc$/.test(each)))
    cpSync(path.join(ROOT, name), path.join(project, name));
  for (const room of ['stacks', 'services', 'scripts', 'model'])
    cpSync(path.join(ROOT, room), path.join(project, room), { recursive: true });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(project, 'node_modules'));
});

after(async () => {
  if (missing) return;
  rmSync(project, { recursive: true, force: true });
  await emulator.stop();
});

const settings = (environment: NodeJS.ProcessEnv) => ({
  cwd: project,
  maxBuffer: 64 * MEBIBYTE,
  env: {
    ...process.env,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_ENDPOINT_URL: emulator.url,
    BLOOMSTACK_ACCOUNT: ACCOUNT,
    CHECKPOINT_DISABLE: '1',
    CI: '1',
    DISABLE_VERSION_CHECK: '1',
    FORCE_COLOR: '0',
    ...environment,
  },
});
const run = async ([program = '', ...args]: readonly string[], environment: NodeJS.ProcessEnv = {}) =>
  (await promisify(execFile)(program, args, settings(environment))).stdout;
const cdktf = (...args: string[]) => run(['npx', '--yes', CLI, ...args]);

/** A second deployment of the environment. */
const SECOND = { BLOOMSTACK_NAME_SUFFIX: 'b' };

/** Starts a command in a terminal of its own. */
const inTerminal = (t: TestContext, command: string, environment: NodeJS.ProcessEnv) => {
  const child = spawn('script', ['-qefc', command, '/dev/null'], settings(environment));
  t.after(() => child.kill());
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  return {
    answer: (text: string) => child.stdin.write(`${text}\n`),
    /** Waits until it has shown this since the last time. */
    shows: async (pattern: RegExp) => {
      while (!pattern.test(shown)) {
        assert.equal(child.exitCode, null, shown);
        await sleep(100);
      }
      shown = shown.replace(pattern, '');
    },
    ends: async () => {
      while (child.exitCode === null) await sleep(100);
    },
  };
};

const pushImages = async (suffix = '') => {
  const ecr = new ECRClient({ endpoint: emulator.url, region: 'ap-northeast-2', credentials: CREDENTIALS });
  for (const name of ['app-web', 'app-was', 'app-ml']) {
    const repositoryName = name + suffix;
    const image = { schemaVersion: 2, config: { digest: repositoryName }, layers: [] };
    await ecr.send(
      new PutImageCommand({
        ...{ repositoryName, imageTag: 'initial', imageManifest: JSON.stringify(image) },
        imageManifestMediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      }),
    );
  }
};

/** For Terraform in the folder of a stack: our stack knows nothing of an emulator. */
const emulate = (stack: string): void => {
  const directory = path.join(project, 'cdktf.out/stacks', stack);
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, 'emulator_override.tf.json'), JSON.stringify(emulatorOverride()));
};

test('cdktf synth writes the stack', options, async () => {
  assert.match(await cdktf('synth'), /Generated Terraform code for the stacks: bloomstack-dev/);
  assert.ok(existsSync(path.join(project, 'cdktf.out/stacks/bloomstack-dev/cdk.tf.json')));
  emulate('bloomstack-dev');
});

test('cdktf deploy applies it, and keeps the state where our commands look for it', options, async () => {
  const output = await cdktf('deploy', '--auto-approve', '--skip-provider-lock');
  assert.match(output, /Plan:.* \d{3} to add/);
  assert.match(output, /url = http:\/\/app-web-alb/);
  assert.ok(existsSync(path.join(project, `terraform.bloomstack-dev.${ACCOUNT}.ap-northeast-2.tfstate`)));
});

test('npm run plan finds nothing to do', options, async () => {
  assert.match(await run(['npm', 'run', 'plan']), /No changes/);
});

const REGION = { BLOOMSTACK_REGION: 'us-east-1' };
const IN_SEOUL = /^A deployment.* in account 123456789012, ap-northeast-2.*BLOOMSTACK_REGION=ap-northeast-2/;
const ZONES = { BLOOMSTACK_NETWORK_ZONES: 'a,c,z' };

for (const [command, choice, stderr] of [
  ...['plan', 'plan -- --offline', 'deploy', 'destroy'].map((each) => [each, REGION, IN_SEOUL] as const),
  ['plan', { BLOOMSTACK_STATE_BUCKET: 'states' }, /still knows of resources\. Move it there:\n/],
  ['deploy', ZONES, /^Stopped before anything was changed: see what FAILS above/],
  ['deploy -- --skip-preflight', ZONES, /STOP.*SageMaker Studio domain.*Stopped: this plan loses data/s],
] as const)
  test(`npm run ${command} refuses ${JSON.stringify(choice)}, with what to do`, options, () =>
    assert.rejects(run(['npm', 'run', ...command.split(' ')], choice), { stderr }),
  );

test('no command runs beside another one', options, async (t) => {
  const lock = path.join(project, 'cdktf.out/lock.json');
  writeFileSync(lock, JSON.stringify({ pid: process.pid, command: 'npm run deploy', since: 'now' }));
  t.after(() => rmSync(lock));
  for (const command of ['plan', 'deploy', 'destroy'])
    await assert.rejects(run(['npm', 'run', command]), { stderr: /^npm run deploy has been running in / });
});

test(
  'what was reviewed is applied: nobody plans at the question of npm run deploy, or while it builds first images',
  withSecond,
  async (t) => {
    emulate('bloomstack-dev-app-b');
    const commit = 'git -c user.name=a -c user.email=a@example.com commit -qm All';
    await run(['sh', '-c', `git init -q && git add package.json && ${commit}`]);
    const refused = () =>
      assert.rejects(run(['npm', 'run', 'plan'], { ...SECOND, BLOOMSTACK_FIREWALL_ENABLED: 'false' }), {
        stderr: /^npm run deploy has been running in .*Wait until it ends/,
      });
    const deploy = inTerminal(t, 'npm run deploy -- --skip-preflight', SECOND);
    await deploy.shows(/creates 177 resources, changes 0.*Apply this to account.*: /s);
    await refused();
    deploy.answer('yes');
    await deploy.shows(/app-web-b BUILD/);
    await pushImages('-b');
    await refused();
    await deploy.shows(/creates \d+ resources, changes 0, .*Apply this to account.*: /s);
    deploy.answer('no');
    await deploy.ends();
  },
);

test('npm run deploy continues where the CLI stopped: changed settings, services', options, async () => {
  await pushImages();
  const output = await run(['npm', 'run', 'deploy', '--', '--yes'], { BLOOMSTACK_WEB_MEMORY: '2048' });
  assert.match(output, /creates 0 resources, changes 0, replaces 1, destroys 0/);
  assert.match(output, /No image has to be built/);
  assert.match(output, /app-was-service runs with these settings/);
  assert.match(
    output,
    /Deployed: http:\/\/app-web-alb.*\n\nDashboard: .*\nLogs: .*\nAlarms: .* tells nobody/,
  );
  assert.ok(existsSync(path.join(project, 'cdktf.out/approved/bloomstack-dev/plan.tfplan')));
});

test('npm run destroy leaves nothing', options, async () => {
  assert.match(await run(['npm', 'run', 'destroy', '--', '--yes']), /bloomstack-dev is gone/);
});

test('the half deployment beside it is as it was, and goes by itself', withSecond, async () => {
  const planned = await run(['npm', 'run', 'plan'], SECOND);
  assert.match(planned, /creates \d+ resources, changes 0, replaces 0, destroys 0/);
  assert.match(await run(['npm', 'run', 'destroy', '--', '--yes'], SECOND), /bloomstack-dev-app-b is gone/);
});
