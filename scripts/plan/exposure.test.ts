import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exposureSection } from './exposure.ts';
import { created, destroyed, type Fixture, inventoryFrom, unchanged } from './plan-fixtures.ts';
import type { Attributes } from './terraform-plan.ts';

const section = (...fixtures: readonly Fixture[]): string => exposureSection(inventoryFrom(...fixtures));

const group = (name: string): Fixture =>
  created(`aws_security_group.${name}`, { name: `app-${name}` }, { unknown: { id: true } });

const inbound = (name: string, of: string, rule: Attributes): Fixture =>
  created(`aws_vpc_security_group_ingress_rule.${name}`, rule, {
    declared: { ...rule, security_group_id: `\${aws_security_group.${of}.id}` },
  });

const http = { ip_protocol: 'tcp', from_port: 80, to_port: 80 };

const balancer = created(
  'aws_lb.alb',
  { name: 'app-web-alb', internal: false },
  { declared: { name: 'app-web-alb', security_groups: ['${aws_security_group.alb-sg.id}'] } },
);

const listener = (attributes: Attributes): Fixture =>
  created('aws_lb_listener.http', attributes, {
    declared: {
      load_balancer_arn: '${aws_lb.alb.arn}',
      default_action: [{ target_group_arn: '${aws_lb_target_group.tg.arn}' }],
    },
  });

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

const waf = [
  created('aws_wafv2_web_acl.waf', {
    name: 'app-waf',
    default_action: [{ allow: [{}], block: [] }],
    rule: [
      { name: 'common', priority: 2, statement: [{}] },
      {
        name: 'limit',
        priority: 1,
        statement: [{ rate_based_statement: [{ limit: 2000, evaluation_window_sec: 60 }] }],
      },
    ],
  }),
  created(
    'aws_wafv2_web_acl_association.waf',
    {},
    { declared: { resource_arn: '${aws_lb.alb.arn}', web_acl_arn: '${aws_wafv2_web_acl.waf.arn}' } },
  ),
];

test('a firewall is described by its rules in order of priority', () => {
  assert.match(
    section(...publicService, forwarding, ...waf),
    /`app-waf`, 2 rules: limit \(2000 requests in 60 s\) and common; other requests are let\s+through/,
  );
});

test('a firewall that the plan removes is missed', () => {
  const association = destroyed(
    'aws_wafv2_web_acl_association.waf',
    { resource_arn: 'arn:alb' },
    { declared: { resource_arn: '${aws_lb.alb.arn}' } },
  );
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
  const block = (restricted: boolean): Fixture => {
    const after = {
      block_public_acls: true,
      block_public_policy: true,
      ignore_public_acls: true,
      restrict_public_buckets: restricted,
    };
    return created('aws_s3_bucket_public_access_block.photos', after, {
      declared: { ...after, bucket: '${aws_s3_bucket.photos.id}' },
    });
  };
  assertOpen([bucket], /bucket `app-photos` has no full public access block/);
  assertOpen([bucket, block(false)], /bucket `app-photos` has no full public access block/);
  assert.match(section(...publicService, bucket, block(true)), /Nothing else is reachable.*1 bucket/s);
});

test('tasks with public addresses and policies for anyone are findings', () => {
  assertOpen(
    [created('aws_ecs_service.web', { name: 'web', network_configuration: [{ assign_public_ip: true }] })],
    /the tasks of `web` get public addresses/,
  );
  const policy = JSON.stringify({
    Statement: [{ Effect: 'Allow', Principal: '*', Action: 'sns:Publish', Resource: 'arn:1' }],
  });
  assertOpen([unchanged('aws_sns_topic_policy.t', { policy })], /aws_sns_topic_policy\.t` lets anyone use/);
});

test('a policy for anyone of this account, or for what is inside the VPC, is not a finding', () => {
  const policy = (condition: object) =>
    JSON.stringify({
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: '*' },
          Action: 'sns:Publish',
          Resource: '*',
          Condition: condition,
        },
      ],
    });
  const own = policy({ StringEquals: { 'AWS:SourceOwner': '123456789012' } });
  const text = section(
    ...publicService,
    unchanged('aws_sns_topic.t', { name: 't', policy: own }),
    unchanged('aws_vpc_endpoint.s3', { policy: policy({}) }),
  );
  assert.match(text, /Nothing else is reachable/);
  assertOpen(
    [unchanged('aws_sns_topic.t', { policy: policy({ StringNotEquals: { 'aws:SourceAccount': '1' } }) })],
    /lets anyone use/,
  );
});

test('a policy of a resource that cannot be read yet keeps it from saying so too', () => {
  assertOpen(
    [created('aws_sns_topic_policy.t', {}, { unknown: { policy: true } })],
    /cannot be read before the apply/,
  );
});

test('a type that this review does not know keeps it from saying that nothing else is reachable', () => {
  assertOpen(
    [created('aws_lambda_function_url.f', {})],
    /`aws_lambda_function_url` \(lambda function url\) is not examined/,
  );
  assertOpen([unchanged('aws_db_instance.db', {})], /is not examined/);
});

test('egress is by NAT gateways, public subnets and outbound rules', () => {
  const text = section(
    unchanged('aws_eip.nat', { id: 'eip-1', public_ip: '203.0.113.7' }),
    created(
      'aws_nat_gateway.nat',
      { tags: { Name: 'app-nat' } },
      { declared: { allocation_id: '${aws_eip.nat.id}' } },
    ),
    created('aws_internet_gateway.igw', {}),
    created('aws_route_table.public', {}),
    created('aws_subnet.a', { tags: { Name: 'public-a' }, map_public_ip_on_launch: true }),
    created(
      'aws_route.out',
      {},
      {
        declared: {
          gateway_id: '${aws_internet_gateway.igw.id}',
          route_table_id: '${aws_route_table.public.id}',
        },
      },
    ),
    created(
      'aws_route_table_association.a',
      {},
      { declared: { route_table_id: '${aws_route_table.public.id}', subnet_id: '${aws_subnet.a.id}' } },
    ),
    group('sg'),
    created(
      'aws_vpc_security_group_egress_rule.https',
      { ip_protocol: 'tcp', from_port: 443, to_port: 443, cidr_ipv4: '0.0.0.0/0' },
      { declared: { security_group_id: '${aws_security_group.sg.id}' } },
    ),
  );
  assert.match(text, /`app-nat`: NAT gateway with public address `203\.0\.113\.7` \(new\)/);
  assert.match(
    text,
    /route to the internet gateway: `public-a`; ⚠ what starts in `public-a` gets a public\s+address/,
  );
  assert.match(text, /`app-sg` may connect to `0\.0\.0\.0\/0` on tcp 443 \(new\)/);
});
