import assert from 'node:assert/strict';
import { test } from 'node:test';
import { broadness, parsePolicy } from './policies.ts';
import type { Json } from './terraform-plan.ts';

const policy = (statement: Json): string => JSON.stringify({ Version: '2012-10-17', Statement: statement });

test('a statement is read with all its parts, whether they are single or lists', () => {
  const [statement] =
    parsePolicy(
      policy({
        Sid: 'Read',
        Effect: 'Allow',
        Principal: { AWS: 'arn:aws:iam::1:root', Service: ['ecs.amazonaws.com', 'ec2.amazonaws.com'] },
        Action: 's3:GetObject',
        Resource: ['arn:1', 'arn:2'],
        Condition: { Bool: { 'aws:SecureTransport': true }, StringLike: { 'aws:x': ['a', 'b'] } },
      }),
    ) ?? [];
  assert.deepEqual(statement, {
    sid: 'Read',
    effect: 'Allow',
    principals: ['AWS arn:aws:iam::1:root', 'Service ecs.amazonaws.com', 'Service ec2.amazonaws.com'],
    exceptPrincipals: [],
    actions: ['s3:GetObject'],
    exceptActions: [],
    resources: ['arn:1', 'arn:2'],
    exceptResources: [],
    conditions: [
      { operator: 'Bool', key: 'aws:SecureTransport', values: ['true'] },
      { operator: 'StringLike', key: 'aws:x', values: ['a', 'b'] },
    ],
  });
});

test('what is not a policy is not taken for one', () => {
  for (const text of [
    '',
    'text',
    '[]',
    '{"Statement":"x"}',
    '{"rules":[]}',
    '${data.aws_iam_policy_document.x.json}',
  ])
    assert.equal(parsePolicy(text), undefined, text);
});

const named = 'arn:aws:s3:::photos/*';
const root = { AWS: 'arn:aws:iam::1:root' };

for (const [title, statement, expected, ofResource = false] of [
  ['one that names each thing is not', { Action: ['s3:GetObject'], Resource: named }, []],
  ['every resource', { Action: 'ecr:GetAuthorizationToken', Resource: '*' }, ['every resource']],
  [
    'actions by wildcard',
    { Action: ['ecr:*', 's3:Get*'], Resource: named },
    ['every action of ecr', 'wildcard in actions'],
  ],
  ['everything', { Action: '*', Resource: '*' }, ['every action', 'every resource']],
  ['all but some', { NotAction: 'iam:*', NotResource: named }, ['every action', 'every resource']],
  ['anyone', { Action: 's3:GetObject', Principal: '*', Resource: named }, ['anyone'], true],
  ['any account', { Action: 's3:GetObject', Principal: { AWS: '*' }, Resource: named }, ['anyone'], true],
  ['all but some principals', { Action: 's3:GetObject', NotPrincipal: root }, ['anyone'], true],
  [
    'in the policy of a key, every resource is that key only',
    { Action: 'kms:Decrypt', Principal: root, Resource: '*' },
    [],
    true,
  ],
  ['a denial is never', { Effect: 'Deny', Action: 's3:*', Principal: '*', Resource: '*' }, []],
] satisfies readonly (readonly [string, Json, readonly string[], boolean?])[])
  test(`a broad statement: ${title}`, () => {
    const [parsed] = parsePolicy(policy([{ Effect: 'Allow', ...statement }])) ?? [];
    assert.ok(parsed);
    assert.deepEqual(broadness(parsed, ofResource), expected);
  });
