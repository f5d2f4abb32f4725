import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exposureSection } from './exposure.ts';
import { created, type Fixture, inventoryFrom, referring, testCases, unchanged } from './plan-fixtures.ts';
import { isPublicCidr } from './security-groups.ts';
import type { Attributes } from './terraform-plan.ts';

const section = (...fixtures: readonly Fixture[]): string => exposureSection(inventoryFrom(...fixtures));

const group = (name: string): Fixture => created(`aws_security_group.${name}`, { name: `app-${name}` });

const inbound = (name: string, of: string, rule: Attributes): Fixture =>
  referring(
    `aws_vpc_security_group_ingress_rule.${name}`,
    { security_group_id: `\${aws_security_group.${of}.id}` },
    rule,
  );

const http = { ip_protocol: 'tcp', from_port: 80, to_port: 80 };

const listener = (default_action: readonly { type: string }[]): Fixture =>
  referring(
    'aws_lb_listener.http',
    {
      load_balancer_arn: '${aws_lb.alb.arn}',
      default_action: [{ target_group_arn: '${aws_lb_target_group.tg.arn}' }],
    },
    { port: 80, protocol: 'HTTP', default_action: [...default_action] },
  );

const balancer = [
  group('alb-sg'),
  inbound('open', 'alb-sg', { ...http, cidr_ipv4: '0.0.0.0/0' }),
  referring(
    'aws_lb.alb',
    { security_groups: ['${aws_security_group.alb-sg.id}'] },
    { name: 'app-web-alb', internal: false },
  ),
  created('aws_lb_target_group.tg', { name: 'app-web-alb-tg' }),
];
const publicService = [...balancer, listener([{ type: 'forward' }])];
const redirecting = { type: 'redirect', redirect: [{ protocol: 'HTTPS', port: '443' }] };

const firewall = [
  created('aws_wafv2_web_acl.waf', { name: 'app-waf', rule: [{ name: 'limit' }, { name: 'common' }] }),
  referring('aws_wafv2_web_acl_association.waf', {
    resource_arn: '${aws_lb.alb.arn}',
    web_acl_arn: '${aws_wafv2_web_acl.waf.arn}',
  }),
];

const bucket = created('aws_s3_bucket.photos', { bucket: 'app-photos' });
const block = (restrict_public_buckets: boolean): Fixture =>
  referring(
    'aws_s3_bucket_public_access_block.photos',
    { bucket: '${aws_s3_bucket.photos.id}' },
    { block_public_acls: true, block_public_policy: true, ignore_public_acls: true, restrict_public_buckets },
  );

const forAnyone = (Condition: object): string =>
  JSON.stringify({
    Statement: [
      { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sns:Publish', Resource: '*', Condition },
    ],
  });
const own = forAnyone({ StringEquals: { 'AWS:SourceOwner': '123456789012' } });
const others = forAnyone({ StringNotEquals: { 'aws:SourceAccount': '1' } });

const NOTHING_ELSE = /Nothing else is reachable/;

testCases(section, [
  [
    'a public load balancer is described by its port, its callers and the missing firewall',
    publicService,
    [
      /\*\*app-web-alb\*\*/,
      /port 80, HTTP: forwards to `app-web-alb-tg` — ⚠ not encrypted/,
      /by `app-alb-sg`: tcp 80 from `0\.0\.0\.0\/0` \(anyone\)/,
      /⚠ \*\*no web firewall \(WAF\) in front\*\*/,
      NOTHING_ELSE,
    ],
  ],
  [
    'a port that only redirects to HTTPS is not called unencrypted, and a firewall is named with its rules',
    [...balancer, listener([redirecting]), ...firewall],
    [/port 80, HTTP: redirects to HTTPS 443$/m, /\(WAF\) `app-waf`: `limit` and `common`/],
  ],
  [
    'an internal load balancer and rules between groups are not reachable',
    [
      group('was-sg'),
      created('aws_lb.was', { name: 'app-was-alb', internal: true }),
      inbound('from-web', 'was-sg', { ...http, referenced_security_group_id: 'sg-1' }),
      inbound('from-vpc', 'was-sg', { ...http, cidr_ipv4: '10.0.0.0/16' }),
      referring(
        'aws_vpc_security_group_egress_rule.https',
        { security_group_id: '${aws_security_group.was-sg.id}' },
        { ip_protocol: 'tcp', from_port: 443, to_port: 443, cidr_ipv4: '0.0.0.0/0' },
      ),
    ],
    [
      /\*\*Nothing is reachable\.\*\*/,
      /to the internet are allowed for `app-was-sg` to `0\.0\.0\.0\/0` on tcp 443\./,
    ],
    [/app-was-alb/],
  ],
  [
    'a load balancer of which it is not known counts as public',
    [created('aws_lb.x', { name: 'x' })],
    [/\*\*x\*\*: load balancer/],
  ],
  [
    'a closed bucket, and a policy for anyone of this account or inside the VPC, are no findings',
    [
      ...publicService,
      bucket,
      block(true),
      unchanged('aws_sns_topic.t', { name: 't', policy: own }),
      unchanged('aws_vpc_endpoint.s3', { policy: forAnyone({}) }),
    ],
    [/Nothing else is reachable.*1 bucket/s],
  ],
]);

const ssh = { ip_protocol: 'tcp', from_port: 22, to_port: 22, cidr_ipv6: '::/0' };
const unknownBlock = { ip_protocol: '-1', cidr_ipv4: '${aws_eip.office.public_ip}/32' };

for (const [title, fixtures, expected] of [
  [
    'a rule of another group',
    [group('db-sg'), inbound('ssh', 'db-sg', ssh)],
    /ingress_rule\.ssh` admits `::\/0` on tcp 22 to `app-db-sg`/,
  ],
  [
    'a CIDR block that is only known at apply',
    [group('db-sg'), inbound('x', 'db-sg', unknownBlock)],
    /admits `\$\{aws_eip\.office\.public_ip\}\/32` on every port/,
  ],
  ['a bucket with half a block', [bucket, block(false)], /`app-photos` has no full public access block/],
  [
    'tasks with public addresses',
    [created('aws_ecs_service.web', { name: 'web', network_configuration: [{ assign_public_ip: true }] })],
    /the tasks of `web` get public addresses/,
  ],
  [
    'a policy for anyone',
    [unchanged('aws_sns_topic_policy.t', { policy: forAnyone({}) })],
    /_policy\.t` lets anyone use/,
  ],
  [
    'a policy for all but one account',
    [unchanged('aws_sns_topic.t', { name: 't', policy: others })],
    /lets anyone use/,
  ],
  [
    'a type that this review does not know',
    [created('aws_lambda_function_url.f')],
    /`aws_lambda_function_url` \(lambda function url\) is not examined/,
  ],
] satisfies [string, Fixture[], RegExp][])
  test(`open, or perhaps: ${title}`, () => {
    const text = section(...publicService, ...fixtures);
    assert.match(text, expected);
    assert.doesNotMatch(text, NOTHING_ELSE);
  });

test('a CIDR block with public addresses is the internet; anything else is unknown', () => {
  for (const [expected, blocks] of [
    [true, ['0.0.0.0/0', '::/0', '0.0.0.0/1', '8.8.8.8/32', '10.0.0.0/7', '2600::/12']],
    [false, ['10.0.0.0/16', '172.16.0.0/12', '192.168.1.0/24', '100.64.0.0/10', '127.0.0.1/32', 'fc00::/7']],
    [undefined, ['${aws_vpc.main.cidr_block}', 'pl-1234', '']],
  ] as const)
    for (const each of blocks) assert.equal(isPublicCidr(each), expected, each);
});
