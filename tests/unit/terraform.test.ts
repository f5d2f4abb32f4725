import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { OFFLINE_PLAN, prepareOffline, withoutAws } from '../../scripts/cloud/offline.ts';
import { makePlan } from '../../scripts/cloud/planning.ts';
import { Terraform } from '../../scripts/cloud/terraform.ts';
import { need } from '../requirements.ts';
import { type Choices, synthesizeInto } from '../synthesized.ts';
import { findTerraform, TERRAFORM_ADVICE } from '../terraform.ts';

const binary = findTerraform();
const options = need('terraform', binary, TERRAFORM_ADVICE);

/** Together they make every resource that the stack can hold. */
const DEPLOYMENTS: Readonly<Record<string, Choices>> = {
  'the defaults': {},
  'everything that can be chosen': {
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
  },
};

for (const [name, choices] of Object.entries(DEPLOYMENTS))
  test(`Terraform accepts and plans ${name}, without an AWS account`, options, async () => {
    const root = mkdtempSync(path.join(tmpdir(), 'bloomstack-terraform-'));
    try {
      const stack = synthesizeInto(root, choices);
      const terraform = new Terraform({
        binary: binary ?? '',
        directory: prepareOffline(stack),
        environment: withoutAws(process.env),
      });
      await terraform.run('init', '-input=false', '-no-color');
      // A plan validates too, and more strictly.
      const { operations } = await makePlan(terraform, OFFLINE_PLAN, () => {});
      const declared = Object.values(stack.json.resource).flatMap((byName) => Object.keys(byName));
      assert.equal(operations, declared.length);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
