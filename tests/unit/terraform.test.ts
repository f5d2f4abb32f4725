import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { OFFLINE_PLAN, prepareOffline, withoutAws } from '../../scripts/cloud/offline.ts';
import { makePlan } from '../../scripts/cloud/planning.ts';
import type { SynthesizedStack } from '../../scripts/cloud/synth.ts';
import { Terraform } from '../../scripts/cloud/terraform.ts';
import { need } from '../requirements.ts';
import { type Choices, synthesizeInto } from '../synthesized.ts';
import { findTerraform, TERRAFORM_ADVICE } from '../terraform.ts';

const binary = findTerraform();
const options = need('terraform', binary, TERRAFORM_ADVICE);

/** Everything that is not there by default. */
const EVERYTHING: Choices = {
  environment: 'prod',
  account: '123456789012',
  deletionProtection: true,
  network: { nat: 'per-zone', zones: ['a', 'b', 'c'], allowedCidrs: ['192.0.2.0/24'] },
  https: {
    certificateArn:
      'arn:aws:acm:ap-northeast-2:123456789012:certificate/12345678-1234-1234-1234-123456789012',
    domain: 'flowers.example.com',
    hostedZoneId: 'Z0123456789ABCDEFGHIJ',
  },
  source: {
    provider: 'github',
    repository: 'owner/name',
    connectionArn:
      'arn:aws:codeconnections:ap-northeast-2:123456789012:connection/12345678-1234-1234-1234-123456789012',
  },
  observability: { alarmEmail: 'on-call@example.com' },
  state: { bucket: 'states-of-example' },
};

/** Runs `work` with Terraform in a folder that holds the stack, and no AWS account. */
const withTerraform = async (
  choices: Choices,
  work: (terraform: Terraform, stack: SynthesizedStack) => Promise<void>,
): Promise<void> => {
  const root = mkdtempSync(path.join(tmpdir(), 'bloomstack-terraform-'));
  try {
    const stack = synthesizeInto(root, choices);
    const terraform = new Terraform({
      binary: binary ?? '',
      directory: prepareOffline(stack),
      environment: withoutAws(process.env),
    });
    await terraform.run('init', '-input=false', '-no-color');
    await work(terraform, stack);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
};

test('Terraform plans the defaults without an AWS account', options, () =>
  withTerraform({}, async (terraform, { json }) => {
    const { operations } = await makePlan(terraform, OFFLINE_PLAN, () => {});
    const declared = Object.values(json.resource).flatMap((byName) => Object.keys(byName));
    assert.equal(operations, declared.length);
  }),
);

test('Terraform accepts everything that can be chosen', options, () =>
  withTerraform(EVERYTHING, async (terraform) => {
    assert.match(await terraform.run('validate', '-no-color'), /The configuration is valid/);
  }),
);
