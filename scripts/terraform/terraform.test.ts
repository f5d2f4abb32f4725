import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { needTerraform } from '../../tests/requirements.ts';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { TerraformProgress } from './apply.ts';
import { fakeTerraform } from './fake-terraform.ts';
import { findTerraform, Terraform } from './terraform.ts';

for (const [title, script, expected] of [
  ['1.10 is new enough', `echo '{"terraform_version": "1.10.0", "terraform_outdated": true}'`, undefined],
  ['1.9 is too old', `echo '{"terraform_version": "1.9.8"}'`, / 1\.9\.8, which is too old.*https:/],
  ['another program', 'echo OpenSomething v1', /does not answer like Terraform\. Install Terraform 1\.10/],
  ['a program that fails', 'exit 1', /Terraform does not run.*https:\/\/developer\.hashicorp\.com/],
] as const)
  test(`the Terraform that TERRAFORM_BINARY_NAME names: ${title}`, async (t) => {
    const environment = { ...process.env, TERRAFORM_BINARY_NAME: fakeTerraform(t, script) };
    if (expected) await assert.rejects(findTerraform(environment), expected);
    else assert.equal(await findTerraform(environment), environment.TERRAFORM_BINARY_NAME);
  });

const { binary, options } = await needTerraform();

/** A configuration of Terraform's own resources: no provider, no cloud. */
const project = (t: TestContext, resources: Record<string, object>): Terraform => {
  const directory = temporaryFolder(t);
  const configuration = { resource: { terraform_data: resources }, output: { first: { value: 'one' } } };
  writeFileSync(path.join(directory, 'cdk.tf.json'), JSON.stringify(configuration));
  return new Terraform({ binary, directory, environment: process.env });
};

test("Terraform's output of a plan and an apply is understood", options, async (t) => {
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

test('a signal stops Terraform once, and created resources are in the state', options, async (t) => {
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
  await assert.rejects(applying, { exitCode: 130, message: /The state is saved/ });
  const state = readFileSync(path.join(terraform.directory, 'terraform.tfstate'), 'utf8');
  assert.match(state, /"name": "first"/);
  assert.doesNotMatch(state, /"name": "second"/);
});

test('after a signal during a plan, the message does not mention the state', async (t) => {
  const directory = temporaryFolder(t);
  const binary = fakeTerraform(t, 'echo started; exec sleep 5');
  const terraform = new Terraform({ binary, directory, environment: process.env });
  const planning = terraform.follow(['plan'], () => process.kill(process.pid, 'SIGTERM'));
  await assert.rejects(planning, /Stopped\. Nothing was changed\./);
});
