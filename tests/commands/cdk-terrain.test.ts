import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT } from '../../scripts/shared/paths.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const run = promisify(execFile);

/** As docs/deploying.md tells how to move. */
const SUCCESSOR = ['cdktf@npm:cdktn@0.24.0', 'constructs@>=10.6.0 <10.8.0'];
const REPLACED = ['cdktf', 'constructs'];

const synthesize = async (cwd: string, outdir: string, ...options: string[]): Promise<string> => {
  const env = { ...process.env, CDKTF_OUTDIR: outdir };
  await run(process.execPath, [...options, '--import', 'tsx', 'main.ts'], { cwd, env });
  return readFileSync(path.join(outdir, 'stacks/bloomstack-dev/cdk.tf.json'), 'utf8');
};

test('CDK Terrain, the successor of cdktf, writes the same Terraform', async (t) => {
  const folder = temporaryFolder(t);
  const options = ['--no-save', '--no-audit', '--no-fund', '--legacy-peer-deps'];
  await run('npm', ['install', ...options, ...SUCCESSOR], { cwd: folder });
  const modules = path.join(folder, 'node_modules');
  for (const name of readdirSync(path.join(ROOT, 'node_modules')).filter((each) => !REPLACED.includes(each)))
    if (!name.startsWith('.')) symlinkSync(path.join(ROOT, 'node_modules', name), path.join(modules, name));
  for (const name of readdirSync(ROOT).filter((each) => /^(\.npmrc|\w[\w.-]*)$/.test(each)))
    if (!['node_modules', 'cdktf.out'].includes(name))
      symlinkSync(path.join(ROOT, name), path.join(folder, name));
  // So that what is linked here, the provider too, finds the packages here.
  const here = ['--preserve-symlinks', '--preserve-symlinks-main'];
  const theirs = await synthesize(folder, path.join(folder, 'theirs'), ...here);
  const ours = await synthesize(ROOT, path.join(folder, 'ours'));
  const version = '"version": "0.24.0"';
  assert.ok(theirs.includes(version), 'CDK Terrain wrote it');
  assert.deepEqual(JSON.parse(theirs.replace(version, '"version": "0.21.0"')), JSON.parse(ours));
});
