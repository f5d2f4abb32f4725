import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EcrRepository } from '@cdktf/provider-aws/lib/ecr-repository/index.js';
import { Testing } from 'cdktf';
import { z } from 'zod';
import { BloomstackStack } from './bloomstack-stack.ts';

const synthesized = z.looseObject({
  terraform: z.looseObject({ backend: z.object({ local: z.object({ path: z.string() }) }) }),
  resource: z.record(z.string(), z.record(z.string(), z.unknown())),
});

const synth = () => Testing.synth(new BloomstackStack(Testing.app(), 'bloomstack'));

test('both services have a registry with immutable, scanned images', () => {
  const json = synth();
  for (const name of ['app-web', 'app-was']) {
    assert.ok(
      Testing.toHaveResourceWithProperties(json, EcrRepository.tfResourceType, {
        name,
        image_tag_mutability: 'IMMUTABLE',
        image_scanning_configuration: { scan_on_push: true },
      }),
    );
  }
});

test('resources are addressed by the names that reviewers know', () => {
  const { resource } = synthesized.parse(JSON.parse(synth()));
  const addresses = Object.entries(resource).flatMap(([type, byName]) =>
    Object.keys(byName).map((name) => `${type}.${name}`),
  );
  assert.deepEqual(addresses.sort(), [
    'aws_ecr_lifecycle_policy.app-was-lifecycle',
    'aws_ecr_lifecycle_policy.app-web-lifecycle',
    'aws_ecr_repository.app-was',
    'aws_ecr_repository.app-web',
  ]);
});

test('the state lies at a relative path', () => {
  const { terraform } = synthesized.parse(JSON.parse(synth()));
  assert.equal(terraform.backend.local.path, 'terraform.bloomstack.tfstate');
});
