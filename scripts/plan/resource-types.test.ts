import assert from 'node:assert/strict';
import { test } from 'node:test';
import { synthesizedStack } from '../../stacks/synthesized-stack.ts';
import { destroyed, type Fixture, inventoryFrom, replaced, updated } from './plan-fixtures.ts';
import { findLosses, RESOURCE_TYPES } from './resource-types.ts';
import { parseDeclaredStack } from './terraform-plan.ts';

const lost = (...fixtures: readonly Fixture[]) => findLosses(inventoryFrom(...fixtures).resources);

test('removed data and addresses are losses; an outage and a mere change are not', () => {
  const losses = lost(
    replaced('aws_lb.web', { name: 'app-web-alb', dns_name: 'web.example.com' }, { name: 'app-web-alb' }),
    destroyed('aws_kms_key.k', { deletion_window_in_days: 7 }),
    replaced('aws_ecs_service.web', { name: 'web' }, { name: 'web' }),
    updated('aws_s3_bucket.photos', {}, {}),
    destroyed('aws_thing.x', {}),
  );
  assert.deepEqual(
    losses.map(({ address, action }) => `${action} ${address}`),
    ['replace aws_lb.web', 'destroy aws_kms_key.k'],
  );
  assert.match(losses[0]?.lost ?? '', /web\.example\.com/);
  assert.match(losses[1]?.lost ?? '', /within 7 days/);
});

test('what a bucket loses depends on whether it may be deleted with its objects', () => {
  const [forced] = lost(destroyed('aws_s3_bucket.photos', { bucket: 'app-photos', force_destroy: true }));
  const [guarded] = lost(destroyed('aws_s3_bucket.photos', { bucket: 'app-photos', force_destroy: false }));
  assert.equal(forced?.name, 'app-photos');
  assert.match(forced?.lost ?? '', /all objects and their versions/);
  assert.match(guarded?.lost ?? '', /refuses/);
});

test('home directories of Studio survive where the domain retains them', () => {
  const domain = (policy: string) =>
    lost(
      destroyed('aws_sagemaker_domain.studio', { retention_policy: [{ home_efs_file_system: policy }] }),
    )[0]?.lost;
  assert.match(domain('Delete') ?? '', /all home directories are deleted/);
  assert.match(domain('Retain') ?? '', /stay/);
});

test('the review knows every type that the stack can have, and its references, with a function call only where a set has one element', () => {
  for (const name of ['default', 'full', 'minimal'] as const) {
    const { text } = synthesizedStack(name);
    const addresses = [...parseDeclaredStack(JSON.parse(text)).resources.keys()];
    const types = new Set(addresses.map((address) => address.split('.')[0] ?? ''));
    assert.ok(types.size > 40);
    assert.deepEqual(
      [...types].filter((type) => !RESOURCE_TYPES[type]),
      [],
    );
    const others = [...text.matchAll(/\$\{(?!aws_\w+\.[\w-]+\.\w+\})[^}]*\}?/g)].flat();
    for (const each of others)
      assert.match(
        each,
        /^\$\{tolist\(aws_acm_certificate\.[\w-]+\.domain_validation_options\)\[0\]\.\w+\}$/,
      );
  }
});
