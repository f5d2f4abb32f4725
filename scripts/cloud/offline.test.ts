import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { need } from '../../tests/requirements.ts';
import { OFFLINE_PLAN, prepareOffline, withoutAws } from './offline.ts';
import { makePlan } from './planning.ts';
import { type SynthesizedStack, terraformJson } from './synth.ts';
import { Terraform } from './terraform.ts';
import { findTerraform } from './terraform-binary.ts';

const binary = await findTerraform().catch(() => undefined);
const options = need('terraform', binary, 'install it, or name it in TERRAFORM_BINARY_NAME');

const about = { '//': { metadata: { path: 'flowers/topic' } } };
const limits = { region: 'ap-northeast-2', allowed_account_ids: ['123456789012'] };

/** A synthesized stack of two topics in two regions, as deep in a project as cdktf writes it. */
const synthesized = (t: TestContext, backend: object): SynthesizedStack => {
  const project = mkdtempSync(path.join(tmpdir(), 'bloomstack-offline-'));
  t.after(() => rmSync(project, { recursive: true }));
  const directory = path.join(project, 'cdktf.out/stacks/flowers');
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

const plan = async (stack: SynthesizedStack) => {
  const terraform = new Terraform({
    binary: binary ?? '',
    directory: prepareOffline(stack),
    environment: withoutAws(process.env),
  });
  await terraform.run('init', '-input=false', '-reconfigure');
  return makePlan(terraform, OFFLINE_PLAN, () => {});
};

test('a stack whose state is in S3 is planned from nothing, without credentials', options, async (t) => {
  const stack = synthesized(t, { s3: { bucket: 'nowhere', key: 'state', region: 'ap-northeast-2' } });
  assert.equal((await plan(stack)).operations, 2);
});

test('a stack is compared with its state in a file, which stays as it is', options, async (t) => {
  const stack = synthesized(t, { local: { path: '../../../terraform.flowers.tfstate' } });
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
  assert.equal((await plan(stack)).operations, 1);
  assert.equal(readFileSync(file, 'utf8'), state);
  assert.equal(existsSync(path.join(stack.directory, '.terraform')), false);
});

test('no variable of the AWS SDKs reaches an offline plan', () => {
  const { AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_EC2_METADATA_DISABLED, PATH } = withoutAws({
    AWS_PROFILE: 'prod',
    AWS_ACCESS_KEY_ID: 'real',
    PATH: '/bin',
  });
  assert.deepEqual(
    [AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_EC2_METADATA_DISABLED, PATH],
    [undefined, undefined, 'true', '/bin'],
  );
});
