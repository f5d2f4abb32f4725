import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Fixture, inventoryWith, replaced, updated } from '../testing.ts';
import { changesOf } from './changes.ts';

const told = (fixture: Fixture): string[] =>
  inventoryWith(fixture).resources.flatMap((resource) =>
    changesOf(resource).map(
      ({ path, before, after, forcesReplacement }) =>
        `${forcesReplacement ? '! ' : ''}${path}: ${before} -> ${after}`,
    ),
  );

test('what forces the replacement comes first, and what AWS computes is left out', () => {
  const fixture = replaced(
    'aws_subnet.a',
    { id: 'subnet-1', arn: 'arn:1', tags: { Name: 'a' }, cidr_block: '10.0.0.0/20' },
    { tags: { Name: 'b' }, cidr_block: '10.1.0.0/20' },
    { unknown: { id: true, arn: true }, replacePaths: [['cidr_block']] },
  );
  assert.deepEqual(told(fixture), ['! cidr_block: 10.0.0.0/20 -> 10.1.0.0/20', 'tags.Name: a -> b']);
});

test('an attribute that the code sets to something new names what it will be taken from', () => {
  const fixture = replaced(
    'aws_subnet.a',
    { vpc_id: 'vpc-1' },
    {},
    { unknown: { vpc_id: true }, declared: { vpc_id: '${aws_vpc.main.id}' }, replacePaths: [['vpc_id']] },
  );
  assert.deepEqual(told(fixture), ['! vpc_id: vpc-1 -> (known after apply: aws_vpc.main.id)']);
});

test('a policy that is only known at apply is compared inside, as the code has it', () => {
  const statement = (resource: string) => ({
    Statement: [{ Sid: 'Read', Action: 's3:Get', Resource: resource }],
  });
  const fixture = updated(
    'aws_iam_role_policy.read',
    { policy: JSON.stringify(statement('arn:1')) },
    {},
    { unknown: { policy: true }, declared: { policy: JSON.stringify(statement('${aws_s3_bucket.b.arn}')) } },
  );
  assert.deepEqual(told(fixture), [
    'policy.Statement[Read].Resource: arn:1 -> (known after apply: aws_s3_bucket.b.arn)',
  ]);
});

test('a tag is told once, although the provider lists it twice', () => {
  const [before, after] = [{ team: 'a' }, { team: 'b' }];
  assert.deepEqual(
    told(updated('aws_vpc.main', { tags: before, tags_all: before }, { tags: after, tags_all: after })),
    ['tags.team: a -> b'],
  );
});

test('what AWS fills in is left out, at any depth; what the code took away is not', () => {
  const fixture = replaced(
    'aws_sagemaker_domain.d',
    { settings: [{ groups: ['sg-1'], home: null }], netmask: 0, description: 'old' },
    { settings: [{}], netmask: null, description: null },
    {
      unknown: { settings: [{ groups: true, home: true }] },
      declared: { settings: { groups: ['${aws_security_group.g.id}'] } },
    },
  );
  assert.deepEqual(told(fixture), [
    'settings.groups: sg-1 -> (known after apply)',
    'description: old -> (none)',
  ]);
});
