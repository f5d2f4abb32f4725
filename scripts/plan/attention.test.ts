import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeAttention, findAttention } from './attention.ts';
import { created, type Fixture, inventoryFrom, replaced, unchanged, updated } from './plan-fixtures.ts';

const read = { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::photos/*' };
const login = { Effect: 'Allow', Action: 'ecr:GetAuthorizationToken', Resource: '*' };
const policy = (...statements: object[]) => JSON.stringify({ Statement: statements });
const changed = (after: object): Fixture =>
  updated(
    'aws_iam_role_policy.was',
    { role: 'ecsWasTaskRole', policy: policy(read) },
    { role: 'ecsWasTaskRole', policy: policy(read, after) },
  );
const everything = { Effect: 'Allow', Action: ['iam:PassRole', 's3:*'], Resource: '*' };

for (const [title, fixture, expected] of [
  [
    'iam:PassRole and s3:* on everything',
    changed(everything),
    'ecsWasTaskRole gets iam:PassRole, s3:* (every action of s3, every resource)',
  ],
  ['what names each thing', changed({ ...read, Resource: 'arn:aws:s3:::others/*' }), undefined],
  ['what has its reason in the code', changed(login), undefined],
  ['a denial', changed({ ...everything, Effect: 'Deny' }), undefined],
  ['what was there before', unchanged('aws_iam_role_policy.was', { policy: policy(everything) }), undefined],
  [
    'a policy of AWS',
    created('aws_iam_role_policy_attachment.a', {
      role: 'ecsWasTaskRole',
      policy_arn: 'arn:aws:iam::aws:policy/AdministratorAccess',
    }),
    'ecsWasTaskRole gets arn:aws:iam::aws:policy/AdministratorAccess',
  ],
] satisfies [string, Fixture, string | undefined][])
  test(`access is widened by ${title}: ${expected === undefined ? 'no' : 'yes'}`, () => {
    const texts = describeAttention(findAttention(inventoryFrom(fixture)));
    assert.deepEqual(
      texts,
      expected === undefined ? [] : [`⚠ Access is widened by 1 statement:\n  ${expected}`],
    );
  });

test('new openings to the internet and outages are counted and named', () => {
  const rule = { ip_protocol: 'tcp', from_port: 22, to_port: 22 };
  const inventory = inventoryFrom(
    created('aws_vpc_security_group_ingress_rule.ssh', { ...rule, cidr_ipv4: '0.0.0.0/0' }),
    created('aws_vpc_security_group_ingress_rule.inside', { ...rule, cidr_ipv4: '10.0.0.0/16' }),
    unchanged('aws_vpc_security_group_ingress_rule.http', { ...rule, cidr_ipv4: '0.0.0.0/0' }),
    replaced('aws_ecs_service.web', {}, {}),
    replaced('aws_ecs_task_definition.web', {}, {}),
  );
  assert.deepEqual(describeAttention(findAttention(inventory)), [
    '⚠ 1 new opening to the internet: `aws_vpc_security_group_ingress_rule.ssh`',
    '⚠ 1 thing out of service until recreated: `aws_ecs_service.web`',
  ]);
});
