import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { findTerraform } from './terraform-binary.ts';

/** A program that answers `version -json` as the Terraform of that version does. */
const terraformOf = (t: TestContext, version: string): NodeJS.ProcessEnv => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bloomstack-terraform-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const binary = path.join(folder, 'terraform');
  writeFileSync(
    binary,
    `#!/bin/sh\necho '{"terraform_version": "${version}", "terraform_outdated": true}'\n`,
  );
  chmodSync(binary, 0o755);
  return { ...process.env, TERRAFORM_BINARY_NAME: binary };
};

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

test('a Terraform that is not there is an error that says where to get it', async () => {
  await assert.rejects(
    findTerraform({ PATH: '/nowhere' }),
    /Terraform does not run.*https:\/\/developer\.hashicorp\.com\/terraform\/install/,
  );
});
