import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { need } from '../../tests/requirements.ts';
import { TerraformProgress } from './apply-progress.ts';
import { Interrupted, Terraform } from './terraform.ts';
import { findTerraform } from './terraform-binary.ts';

const binary = await findTerraform().catch(() => undefined);
const options = need('terraform', binary, 'install it, or name it in TERRAFORM_BINARY_NAME');

/** A configuration of Terraform's own resources: no provider, no cloud. */
const project = (t: TestContext, resources: Record<string, object>): Terraform => {
  const directory = mkdtempSync(path.join(tmpdir(), 'bloomstack-terraform-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const configuration = { resource: { terraform_data: resources }, output: { first: { value: 'one' } } };
  writeFileSync(path.join(directory, 'cdk.tf.json'), JSON.stringify(configuration));
  return new Terraform({ binary: binary ?? '', directory, environment: process.env });
};

const stateOf = ({ directory }: Terraform): string =>
  readFileSync(path.join(directory, 'terraform.tfstate'), 'utf8');

test('what Terraform prints on a plan and an apply is understood', options, async (t) => {
  const terraform = project(t, { one: { input: 1 }, two: { input: 2 } });
  await terraform.run('init');
  const planning = new TerraformProgress();
  await terraform.follow(['plan', '-json', '-out=plan'], (line) => planning.accept(line));
  assert.equal(planning.planned, 2);

  const applying = new TerraformProgress(planning.planned);
  const { exitCode } = await terraform.follow(['apply', '-json', 'plan'], (line) => applying.accept(line));
  assert.equal(exitCode, 0);
  assert.equal(applying.now, '2 of 2');
  assert.equal(await terraform.run('output', '-json', 'first'), '"one"');
});

test('a command that fails is an error in Terraform’s words', options, async (t) => {
  const terraform = project(t, { one: { no_such_setting: true } });
  await terraform.run('init');
  await assert.rejects(terraform.run('validate', '-no-color'), /terraform validate[\s\S]*no_such_setting/);
});

test('a signal stops Terraform once, and what it has made is in the state', options, async (t) => {
  const slow = { provisioner: { 'local-exec': { command: 'sleep 2' } } };
  const terraform = project(t, {
    first: { input: 'made', ...slow },
    second: { input: 'never', depends_on: ['terraform_data.first'] },
  });
  await terraform.run('init');
  const applying = terraform.follow(['apply', '-json', '-auto-approve'], (line) => {
    if (!line.includes('provision_start')) return;
    // As npm does on Ctrl-C: the terminal's signal and its own.
    process.kill(process.pid, 'SIGTERM');
    process.kill(process.pid, 'SIGTERM');
  });
  await assert.rejects(applying, Interrupted);
  assert.match(stateOf(terraform), /"name": "first"/);
  assert.doesNotMatch(stateOf(terraform), /"name": "second"/);
});
