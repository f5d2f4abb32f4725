import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import type { z } from 'zod';
import { makePlan } from '../../scripts/terraform/apply.ts';
import { type StackFiles, synthesizeStack, terraformJson } from '../../scripts/terraform/synth.ts';
import { OFFLINE_PLAN, offlineTerraform } from '../../scripts/terraform/target.ts';
import { configuration } from '../../stacks/config/schema.ts';
import { needTerraform } from '../requirements.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const { binary, options } = await needTerraform();

type Choices = z.input<typeof configuration>;

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

/** The stack, and Terraform in a folder that holds it, without an AWS account. */
const openStack = async (t: TestContext, choices: Choices) => {
  const outdir = path.join(temporaryFolder(t), 'cdktf.out');
  const stack = synthesizeStack(configuration.parse(choices), outdir);
  return { json: stack.json, terraform: await offlineTerraform(stack, binary) };
};

const plansEverything = async (t: TestContext, choices: Choices) => {
  const { json, terraform } = await openStack(t, choices);
  const { operations } = await makePlan(terraform, OFFLINE_PLAN, () => {});
  const declared = Object.values(json.resource).flatMap((byName) => Object.keys(byName));
  assert.equal(operations, declared.length);
};

test('Terraform plans the defaults without an AWS account', options, (t) => plansEverything(t, {}));

test('Terraform plans everything that can be chosen; a state in S3 is not asked for', options, (t) =>
  plansEverything(t, EVERYTHING),
);

const about = { '//': { metadata: { path: 'flowers/topic' } } };
const limits = { region: 'ap-northeast-2', allowed_account_ids: ['123456789012'] };

/** A synthesized stack of two topics in two regions, as deep in a project as cdktf writes it. */
const twoTopics = (t: TestContext, backend: object): StackFiles => {
  const directory = path.join(temporaryFolder(t), 'cdktf.out/stacks/flowers');
  mkdirSync(directory, { recursive: true });
  const json = {
    terraform: { backend, required_providers: { aws: { source: 'aws', version: '5.100.0' } } },
    provider: { aws: [limits, { ...limits, alias: 'other', region: 'us-east-1' }] },
    resource: {
      aws_sns_topic: {
        here: { name: 'here', ...about },
        there: { name: 'there', provider: 'aws.other', ...about },
      },
    },
  };
  writeFileSync(path.join(directory, 'cdk.tf.json'), JSON.stringify(json));
  return { name: 'flowers', directory, json: terraformJson.parse(json) };
};

test('a stack is compared with its state in a file, which stays as it is', options, async (t) => {
  const stack = twoTopics(t, { local: { path: '../../../terraform.flowers.tfstate' } });
  const file = path.join(stack.directory, '../../../terraform.flowers.tfstate');
  const state = JSON.stringify({
    version: 4,
    serial: 1,
    lineage: 'flowers',
    resources: [
      {
        mode: 'managed',
        type: 'aws_sns_topic',
        name: 'here',
        provider: 'provider["registry.terraform.io/hashicorp/aws"]',
        instances: [
          {
            schema_version: 0,
            attributes: {
              id: 'arn:aws:sns:ap-northeast-2:123456789012:here',
              arn: 'arn:aws:sns:ap-northeast-2:123456789012:here',
              name: 'here',
              name_prefix: '',
              content_based_deduplication: false,
              fifo_topic: false,
              tags_all: {},
            },
          },
        ],
      },
    ],
  });
  writeFileSync(file, state);
  const terraform = await offlineTerraform(stack, binary);
  assert.equal((await makePlan(terraform, OFFLINE_PLAN, () => {})).operations, 1);
  assert.equal(readFileSync(file, 'utf8'), state);
  assert.equal(existsSync(path.join(stack.directory, '.terraform')), false);
});
