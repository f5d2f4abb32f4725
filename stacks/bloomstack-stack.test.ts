import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { synthesize } from './testing.ts';

const GOLDEN = new URL('./addresses.golden.txt', import.meta.url);

test('resources keep their addresses; a changed address replaces the resource', () => {
  const addresses = `${synthesize().addresses.join('\n')}\n`;
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(GOLDEN, addresses);
  assert.equal(
    addresses,
    readFileSync(GOLDEN, 'utf8'),
    'If this change is meant: UPDATE_GOLDEN=1 node --import tsx --test stacks/bloomstack-stack.test.ts',
  );
});

test('names do not change the addresses, so renaming never re-addresses', () => {
  const renamed = synthesize({ namePrefix: 'flower', nameSuffix: 'two' });
  assert.deepEqual(renamed.addresses, synthesize().addresses);
});

test('the state is a file in the project, by a path that holds on every machine', () => {
  assert.deepEqual(synthesize().terraform.backend, {
    local: { path: '../../../terraform.bloomstack-dev.tfstate' },
  });
});

test('the state can lie in a bucket, encrypted and locked', () => {
  assert.deepEqual(synthesize({ environment: 'prod', state: { bucket: 'states' } }).terraform.backend, {
    s3: {
      bucket: 'states',
      key: 'bloomstack-prod/terraform.tfstate',
      region: 'ap-northeast-2',
      encrypt: true,
      use_lockfile: true,
    },
  });
});

test('no path of this machine and no secret is in what is synthesized', () => {
  const { text } = synthesize();
  assert.ok(text.includes('app-web-alb'));
  assert.ok(!text.includes(process.cwd()));
  assert.doesNotMatch(text, /AKIA[0-9A-Z]{16}|secret_key|BEGIN [A-Z ]*PRIVATE KEY/);
});
