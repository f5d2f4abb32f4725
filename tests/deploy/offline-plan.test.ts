import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import type { z } from 'zod';
import { makePlan } from '../../scripts/terraform/apply.ts';
import { synthesizeStack } from '../../scripts/terraform/synth.ts';
import { OFFLINE_PLAN, offlineTerraform } from '../../scripts/terraform/target.ts';
import { configuration } from '../../stacks/config/schema.ts';
import { needTerraform } from '../requirements.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const { binary, options } = await needTerraform();

/** Everything that is not there by default. */
const EVERYTHING: z.input<typeof configuration> = {
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

test('Terraform plans everything that can be chosen; a state in S3 is not asked for', options, async (t) => {
  const stack = synthesizeStack(configuration.parse(EVERYTHING), path.join(temporaryFolder(t), 'cdktf.out'));
  const { operations } = await makePlan(await offlineTerraform(stack, binary), OFFLINE_PLAN, () => {});
  const declared = Object.values(stack.json.resource).flatMap((byName) => Object.keys(byName));
  assert.equal(operations, declared.length);
});
