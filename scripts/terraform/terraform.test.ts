import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { needTerraform } from '../../tests/requirements.ts';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { TerraformProgress } from './apply.ts';
import { fakeTerraform } from './fake-terraform.ts';
import { findTerraform, Terraform } from './terraform.ts';

/** A program that answers `version -json` as the Terraform of that version does. */
const terraformOf = (t: TestContext, version: string): NodeJS.ProcessEnv => ({
  ...process.env,
  TERRAFORM_BINARY_NAME: fakeTerraform(
    t,
    `echo '{"terraform_version": "${version}", "terraform_outdated": true}'`,
  ),
});

test('TERRAFORM_BINARY_NAME names the Terraform to run', async (t) => {
  for (const version of ['1.10.0', '1.11.4', '2.0.0-beta1']) {
    const environment = terraformOf(t, version);
    assert.equal(await findTerraform(environment), environment['TERRAFORM_BINARY_NAME']);
  }
});

test('a Terraform that is too old is refused, with where to get another', async (t) => {
  await assert.rejects(
    findTerraform(terraformOf(t, '1.9.8')),
    /is Terraform 1\.9\.8, which is too old.*1\.10 or newer: https:/,
  );
});

test('a program that is not Terraform is refused, with where to get one', async (t) => {
  const environment = { ...process.env, TERRAFORM_BINARY_NAME: fakeTerraform(t, 'echo OpenSomething v1') };
  await assert.rejects(
    findTerraform(environment),
    /does not answer as Terraform does\. Install Terraform 1\.10/,
  );
});

test('a missing Terraform is an error that says where to get it', async () => {
  await assert.rejects(
    findTerraform({ PATH: '/nowhere' }),
    /Terraform does not run.*https:\/\/developer\.hashicorp\.com\/terraform\/install/,
  );
});

const { binary, options } = await needTerraform();

/** A configuration of Terraform's own resources: no provider, no cloud. */
const project = (t: TestContext, resources: Record<string, object>): Terraform => {
  const directory = temporaryFolder(t);
  const configuration = { resource: { terraform_data: resources }, output: { first: { value: 'one' } } };
  writeFileSync(path.join(directory, 'cdk.tf.json'), JSON.stringify(configuration));
  return new Terraform({ binary, directory, environment: process.env });
};

const readStateText = ({ directory }: Terraform): string =>
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
  await assert.rejects(applying, { name: 'Interrupted', message: /The state is saved/ });
  assert.match(readStateText(terraform), /"name": "first"/);
  assert.doesNotMatch(readStateText(terraform), /"name": "second"/);
});

test('a signal to a plan does not speak of the state', async (t) => {
  const directory = temporaryFolder(t);
  const binary = fakeTerraform(t, 'echo started; exec sleep 5');
  const terraform = new Terraform({ binary, directory, environment: process.env });
  const planning = terraform.follow(['plan'], () => process.kill(process.pid, 'SIGTERM'));
  await assert.rejects(planning, { name: 'Interrupted', message: 'Stopped, as asked. Nothing was changed.' });
});
