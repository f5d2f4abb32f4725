import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exposureSection } from './exposure.ts';
import { created, destroyed, type Fixture, inventoryFrom, referring, unchanged } from './plan-fixtures.ts';
import { isPublicCidr } from './security-groups.ts';
import type { Attributes } from './terraform-plan.ts';

const section = (...fixtures: readonly Fixture[]): string => exposureSection(inventoryFrom(...fixtures));

const group = (name: string): Fixture =>
  created(`aws_security_group.${name}`, { name: `app-${name}` }, { unknown: { id: true } });

const inbound = (name: string, of: string, rule: Attributes): Fixture =>
  referring(
    `aws_vpc_security_group_ingress_rule.${name}`,
    { security_group_id: `\${aws_security_group.${of}.id}` },
    rule,
  );

const http = { ip_protocol: 'tcp', from_port: 80, to_port: 80 };

const balancer = referring(
  'aws_lb.alb',
  { security_groups: ['${aws_security_group.alb-sg.id}'] },
  { name: 'app-web-alb', internal: false },
);

const listener = (attributes: Attributes): Fixture =>
  referring(
    'aws_lb_listener.http',
    {
      load_balancer_arn: '${aws_lb.alb.arn}',
      default_action: [{ target_group_arn: '${aws_lb_target_group.tg.arn}' }],
    },
    attributes,
  );

const publicService = [
  group('alb-sg'),
  inbound('open', 'alb-sg', { ...http, cidr_ipv4: '0.0.0.0/0' }),
  balancer,
  created('aws_lb_target_group.tg', { name: 'app-web-alb-tg' }),
];

const forwarding = listener({ port: 80, protocol: 'HTTP', default_action: [{ type: 'forward' }] });

test('a public load balancer is described by its port, its callers and the missing firewall', () => {
  const text = section(...publicService, forwarding);
  assert.match(text, /\*\*app-web-alb\*\*/);
  assert.match(text, /port 80, HTTP: forwards to `app-web-alb-tg` — ⚠ not encrypted/);
  assert.match(text, /by `app-alb-sg`: tcp 80 from `0\.0\.0\.0\/0` \(anyone\)/);
  assert.match(text, /⚠ \*\*no web firewall \(WAF\) in front\*\*/);
  assert.match(text, /\*\*Nothing else is reachable\.\*\*/);
});

test('a port that only redirects to HTTPS is not called unencrypted', () => {
  const redirect = [{ type: 'redirect', redirect: [{ protocol: 'HTTPS', port: '443' }] }];
  const text = section(...publicService, listener({ port: 80, protocol: 'HTTP', default_action: redirect }));
  assert.match(text, /port 80, HTTP: redirects to HTTPS 443$/m);
});

test('a firewall is described by its rules in order of priority', () => {
  const limit = [{ rate_based_statement: [{ limit: 2000, evaluation_window_sec: 60 }] }];
  const waf = created('aws_wafv2_web_acl.waf', {
    name: 'app-waf',
    default_action: [{ allow: [{}], block: [] }],
    rule: [
      { name: 'common', priority: 2, statement: [{}] },
      { name: 'limit', priority: 1, statement: limit },
    ],
  });
  const association = referring('aws_wafv2_web_acl_association.waf', {
    resource_arn: '${aws_lb.alb.arn}',
    web_acl_arn: '${aws_wafv2_web_acl.waf.arn}',
  });
  assert.match(
    section(...publicService, forwarding, waf, association),
    /`app-waf`, 2 rules: limit \(2000 requests in 60 s\) and common; other requests are let\s+through/,
  );
});

test('a firewall that the plan removes is missed', () => {
  const declared = { resource_arn: '${aws_lb.alb.arn}' };
  const association = destroyed('aws_wafv2_web_acl_association.waf', {}, { declared });
  assert.match(
    section(...publicService, forwarding, association),
    /no web firewall \(WAF\) in front, removed by this plan/,
  );
});

test('an internal load balancer and rules between groups are not reachable', () => {
  const text = section(
    group('was-sg'),
    created('aws_lb.was', { name: 'app-was-alb', internal: true }),
    inbound('from-web', 'was-sg', { ...http, referenced_security_group_id: 'sg-1' }),
    inbound('from-vpc', 'was-sg', { ...http, cidr_ipv4: '10.0.0.0/16' }),
  );
  assert.match(text, /\*\*Nothing is reachable\.\*\*/);
  assert.doesNotMatch(text, /app-was-alb/);
});

test('a load balancer that is not marked as internal counts as public', () => {
  assert.match(section(created('aws_lb.x', { name: 'x' })), /not marked as internal/);
});

const assertOpen = (fixtures: readonly Fixture[], expected: RegExp): void => {
  const text = section(...publicService, ...fixtures);
  assert.match(text, expected);
  assert.doesNotMatch(text, /Nothing else is reachable/);
};

test('a rule that opens another group is a finding, also when its CIDR block is only known at apply', () => {
  const rule = inbound('ssh', 'db-sg', { ip_protocol: 'tcp', from_port: 22, to_port: 22, cidr_ipv6: '::/0' });
  assertOpen([group('db-sg'), rule], /ingress_rule\.ssh` admits `::\/0` on tcp 22 to `app-db-sg`/);
  const unknown = inbound('x', 'db-sg', { ip_protocol: '-1', cidr_ipv4: '${aws_eip.office.public_ip}/32' });
  assertOpen([group('db-sg'), unknown], /admits `\$\{aws_eip\.office\.public_ip\}\/32` on every port/);
});

test('rules that are not resources of their own are not examined', () => {
  const inside = created('aws_security_group.old', {
    name: 'app-old',
    ingress: [{ cidr_blocks: ['0.0.0.0/0'], protocol: 'tcp', from_port: 8000, to_port: 8100 }],
  });
  assertOpen([inside], /the rules inside `aws_security_group\.old` are not examined/);
  assertOpen([created('aws_security_group_rule.old', { type: 'ingress' })], /is not examined/);
});

test('a bucket without a full public access block is a finding; one with it is not', () => {
  const bucket = created('aws_s3_bucket.photos', { bucket: 'app-photos' });
  const block = (restrict_public_buckets: boolean): Fixture =>
    referring(
      'aws_s3_bucket_public_access_block.photos',
      { bucket: '${aws_s3_bucket.photos.id}' },
      {
        block_public_acls: true,
        block_public_policy: true,
        ignore_public_acls: true,
        restrict_public_buckets,
      },
    );
  assertOpen([bucket], /bucket `app-photos` has no full public access block/);
  assertOpen([bucket, block(false)], /bucket `app-photos` has no full public access block/);
  assert.match(section(...publicService, bucket, block(true)), /Nothing else is reachable.*1 bucket/s);
});

const forAnyone = (Condition: object): string =>
  JSON.stringify({
    Statement: [
      { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sns:Publish', Resource: '*', Condition },
    ],
  });

test('tasks with public addresses and policies for anyone are findings', () => {
  assertOpen(
    [created('aws_ecs_service.web', { name: 'web', network_configuration: [{ assign_public_ip: true }] })],
    /the tasks of `web` get public addresses/,
  );
  assertOpen(
    [unchanged('aws_sns_topic_policy.t', { policy: forAnyone({}) })],
    /aws_sns_topic_policy\.t` lets anyone use/,
  );
});

test('a policy for anyone of this account, or for what is inside the VPC, is not a finding', () => {
  const own = forAnyone({ StringEquals: { 'AWS:SourceOwner': '123456789012' } });
  const text = section(
    ...publicService,
    unchanged('aws_sns_topic.t', { name: 't', policy: own }),
    unchanged('aws_vpc_endpoint.s3', { policy: forAnyone({}) }),
  );
  assert.match(text, /Nothing else is reachable/);
  const others = forAnyone({ StringNotEquals: { 'aws:SourceAccount': '1' } });
  assertOpen([unchanged('aws_sns_topic.t', { policy: others })], /lets anyone use/);
});

test('a policy of a resource that cannot be read yet keeps it from saying so too', () => {
  const unread = created('aws_sns_topic_policy.t', {}, { unknown: { policy: true } });
  assertOpen([unread], /cannot be read before the apply/);
});

test('a type that this review does not know keeps it from saying that nothing else is reachable', () => {
  assertOpen(
    [created('aws_lambda_function_url.f', {})],
    /`aws_lambda_function_url` \(lambda function url\) is not examined/,
  );
  assertOpen([unchanged('aws_db_instance.db', {})], /is not examined/);
});

test('egress is by NAT gateways, public subnets and outbound rules', () => {
  const route_table_id = '${aws_route_table.public.id}';
  const text = section(
    unchanged('aws_eip.nat', { id: 'eip-1', public_ip: '203.0.113.7' }),
    referring('aws_nat_gateway.nat', { allocation_id: '${aws_eip.nat.id}' }, { tags: { Name: 'app-nat' } }),
    created('aws_internet_gateway.igw', {}),
    created('aws_route_table.public', {}),
    created('aws_subnet.a', { tags: { Name: 'public-a' }, map_public_ip_on_launch: true }),
    referring('aws_route.out', { gateway_id: '${aws_internet_gateway.igw.id}', route_table_id }),
    referring('aws_route_table_association.a', { route_table_id, subnet_id: '${aws_subnet.a.id}' }),
    group('sg'),
    referring(
      'aws_vpc_security_group_egress_rule.https',
      { security_group_id: '${aws_security_group.sg.id}' },
      { ip_protocol: 'tcp', from_port: 443, to_port: 443, cidr_ipv4: '0.0.0.0/0' },
    ),
  );
  assert.match(text, /`app-nat`: NAT gateway with public address `203\.0\.113\.7` \(new\)/);
  assert.match(
    text,
    /route to the internet gateway: `public-a`; ⚠ what starts in `public-a` gets a public\s+address/,
  );
  assert.match(text, /`app-sg` may connect to `0\.0\.0\.0\/0` on tcp 443 \(new\)/);
});

test('public addresses in a CIDR block make it the internet; of what is no block nothing is known', () => {
  for (const [expected, blocks] of [
    [true, ['0.0.0.0/0', '::/0', '0.0.0.0/1', '8.8.8.8/32', '10.0.0.0/7', '2600::/12']],
    [false, ['10.0.0.0/16', '172.16.0.0/12', '192.168.1.0/24', '100.64.0.0/10', '127.0.0.1/32', 'fc00::/7']],
    [undefined, ['${aws_vpc.main.cidr_block}', 'pl-1234', '']],
  ] as const)
    for (const block of blocks) assert.equal(isPublicCidr(block), expected, block);
});
