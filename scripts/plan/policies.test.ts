import assert from 'node:assert/strict';
import { test } from 'node:test';
import { broadness, parsePolicy } from './policies.ts';
import type { Json } from './terraform-plan.ts';

const policy = (statement: Json): string => JSON.stringify({ Version: '2012-10-17', Statement: statement });

const statementBroadness = (statement: { [key: string]: Json }, ofResource = false): readonly string[] => {
  const [parsed] = parsePolicy(policy([{ Effect: 'Allow', ...statement }])) ?? [];
  assert.ok(parsed);
  return broadness(parsed, ofResource);
};

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

test('a statement that names each thing is not broad', () => {
  assert.deepEqual(statementBroadness({ Action: ['s3:GetObject'], Resource: 'arn:aws:s3:::photos/*' }), []);
});

test('every kind of wildcard is named', () => {
  assert.deepEqual(statementBroadness({ Action: 'ecr:GetAuthorizationToken', Resource: '*' }), [
    'every resource',
  ]);
  assert.deepEqual(statementBroadness({ Action: ['ecr:*', 's3:Get*'], Resource: 'arn:1' }), [
    'every action of ecr',
    'wildcard in actions',
  ]);
  assert.deepEqual(statementBroadness({ Action: '*', Resource: '*' }), ['every action', 'every resource']);
  assert.deepEqual(statementBroadness({ NotAction: 'iam:*', NotResource: 'arn:1' }), [
    'every action',
    'every resource',
  ]);
  assert.deepEqual(statementBroadness({ Action: 's3:GetObject', Principal: '*', Resource: 'arn:1' }, true), [
    'anyone',
  ]);
  assert.deepEqual(
    statementBroadness({ Action: 's3:GetObject', Principal: { AWS: '*' }, Resource: 'arn:1' }, true),
    ['anyone'],
  );
  assert.deepEqual(statementBroadness({ Action: 's3:GetObject', NotPrincipal: { AWS: 'arn:2' } }, true), [
    'anyone',
  ]);
});

test('in the policy of a key, every resource is that key only', () => {
  const statement = { Action: 'kms:Decrypt', Principal: { AWS: 'arn:aws:iam::1:root' }, Resource: '*' };
  assert.deepEqual(statementBroadness(statement, true), []);
});

test('a denial is never too broad', () => {
  assert.deepEqual(statementBroadness({ Effect: 'Deny', Action: 's3:*', Principal: '*', Resource: '*' }), []);
});
