import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
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
import { need, needTerraform } from '../requirements.ts';

/**
 * The commands that people type, in order, on a copy of the project and against the emulator: the official CLI of cdktf
 * deploys, and ours continue from there.
 */

const CLI = 'cdktf-cli@0.21.0';
const MEBIBYTE = 2 ** 20;
const CREDENTIALS = { accessKeyId: 'emulator', secretAccessKey: 'emulator' };

const missing = [(await needTerraform()).options, need('emulator', findEmulator(), MISSING_MOTO)].find(
  ({ skip }) => skip,
);
const options = missing ?? {};

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

const run = async (
  [program = '', ...args]: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<string> => {
  const { stdout } = await promisify(execFile)(program, args, {
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
  return stdout;
};
const cdktf = (...args: string[]) => run(['npx', '--yes', CLI, ...args]);
const npmRun = (script: string, ...args: string[]) => run(['npm', 'run', script, '--', ...args]);

/** The emulator runs no builds. */
const pushImages = async () => {
  const ecr = new ECRClient({ endpoint: emulator.url, region: 'ap-northeast-2', credentials: CREDENTIALS });
  for (const repositoryName of ['app-web', 'app-was', 'app-ml']) {
    const image = { schemaVersion: 2, config: { digest: repositoryName }, layers: [] };
    await ecr.send(
      new PutImageCommand({
        ...{ repositoryName, imageTag: 'initial', imageManifest: JSON.stringify(image) },
        imageManifestMediaType: 'application/vnd.oci.image.manifest.v1+json',
      }),
    );
  }
};

test('cdktf synth writes the stack', options, async () => {
  assert.match(await cdktf('synth'), /Generated Terraform code for the stacks: bloomstack-dev/);
  const directory = path.join(project, 'cdktf.out/stacks/bloomstack-dev');
  assert.ok(existsSync(path.join(directory, 'cdk.tf.json')));
  // Beside the stack, not in it: the CLI, too, gives Terraform nothing of an emulator.
  writeFileSync(path.join(directory, 'emulator_override.tf.json'), JSON.stringify(emulatorOverride()));
});

test('cdktf diff plans it', options, async () => {
  assert.match(await cdktf('diff', '--skip-provider-lock'), /Plan:.* \d{3} to add/);
});

test('cdktf deploy applies it, and keeps the state where our commands look for it', options, async () => {
  const output = await cdktf('deploy', '--auto-approve', '--skip-provider-lock');
  assert.match(output, /url = http:\/\/app-web-alb/);
  assert.ok(existsSync(path.join(project, `terraform.bloomstack-dev.${ACCOUNT}.ap-northeast-2.tfstate`)));
});

test('npm run plan finds nothing to do', options, async () => {
  assert.match(await npmRun('plan'), /No changes/);
});

for (const command of ['plan', 'deploy', 'destroy'])
  test(`npm run ${command} refuses another region, with what to do`, options, async () => {
    const other = { BLOOMSTACK_REGION: 'us-east-1' };
    await assert.rejects(run(['npm', 'run', command], other), {
      stderr: /in account 123456789012, ap-northeast-2.*BLOOMSTACK_REGION=ap-northeast-2/,
    });
  });

test(
  'npm run deploy continues where the CLI stopped: images, changed settings, services',
  options,
  async () => {
    await pushImages();
    const output = await npmRun('deploy', '--yes');
    assert.match(output, /No image has to be built/);
    assert.match(output, /app-was-service runs with these settings/);
    assert.match(output, /Deployed: http:\/\/app-web-alb/);
  },
);

test('npm run destroy leaves nothing', options, async () => {
  assert.match(await npmRun('destroy', '--yes'), /bloomstack-dev is gone/);
});
