import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertProperties, synthesizedStack } from '../synthesized-stack.ts';

const stack = synthesizedStack();

test('VPC app-vpc: 10.0.0.0/16 with DNS host names', () => {
  assertProperties(stack.get('aws_vpc.network-vpc'), {
    cidr_block: '10.0.0.0/16',
    enable_dns_hostnames: true,
    enable_dns_support: true,
    tags: { Name: 'app-vpc' },
  });
});

test('two Availability Zones, each with a public and a private subnet, neither of which assigns public addresses', () => {
  for (const [name, cidr_block, zone] of [
    ['public-a', '10.0.0.0/20', 'a'],
    ['public-c', '10.0.16.0/20', 'c'],
    ['private-a', '10.0.128.0/20', 'a'],
    ['private-c', '10.0.144.0/20', 'c'],
  ])
    assertProperties(stack.get(`aws_subnet.network-${name}`), {
      cidr_block,
      availability_zone: `ap-northeast-2${zone}`,
      map_public_ip_on_launch: false,
    });
  assert.equal(stack.ofType('aws_subnet').length, 4);
});

test('public subnets lead to the internet gateway, private ones to a NAT gateway', () => {
  assertProperties(stack.get('aws_route.network-routes-public-default'), {
    destination_cidr_block: '0.0.0.0/0',
    gateway_id: '${aws_internet_gateway.network-internet-gateway.id}',
  });
  for (const zone of ['a', 'c']) {
    assertProperties(stack.get(`aws_route.network-routes-private-${zone}-default`), {
      destination_cidr_block: '0.0.0.0/0',
      nat_gateway_id: '${aws_nat_gateway.network-nat-a.id}',
    });
    for (const kind of ['public', 'private'])
      assertProperties(stack.get(`aws_route_table_association.network-routes-${kind}-${zone}-subnet`), {
        subnet_id: `\${aws_subnet.network-${kind}-${zone}.id}`,
        route_table_id: `\${aws_route_table.network-routes-${kind === 'public' ? 'public' : `private-${zone}`}.id}`,
      });
  }
});

test('one NAT gateway per Availability Zone if configured, each used by its own zone', () => {
  const perZone = synthesizedStack('full');
  assert.equal(perZone.ofType('aws_nat_gateway').length, 2);
  for (const zone of ['a', 'c']) {
    assertProperties(perZone.get(`aws_nat_gateway.network-nat-${zone}`), {
      subnet_id: `\${aws_subnet.network-public-${zone}.id}`,
    });
    assertProperties(perZone.get(`aws_route.network-routes-private-${zone}-default`), {
      nat_gateway_id: `\${aws_nat_gateway.network-nat-${zone}.id}`,
    });
  }
});

test('S3 is reached without the NAT gateway, from every private subnet', () => {
  assertProperties(stack.get('aws_vpc_endpoint.network-s3-endpoint'), {
    vpc_endpoint_type: 'Gateway',
    service_name: 'com.amazonaws.ap-northeast-2.s3',
    route_table_ids: ['a', 'c'].map((zone) => `\${aws_route_table.network-routes-private-${zone}.id}`),
  });
});

test('security groups name each other; CIDR blocks are used only at the public load balancer and for outgoing HTTPS', () => {
  const ingress = stack.ofType('aws_vpc_security_group_ingress_rule');
  const open = ingress.filter((rule) => rule['cidr_ipv4'] !== undefined);
  assert.deepEqual(
    open.map((rule) => [rule['security_group_id'], rule['from_port'], rule['cidr_ipv4']]),
    [['${aws_security_group.web-alb-sg.id}', 80, '0.0.0.0/0']],
  );
  for (const rule of ingress.filter((each) => !open.includes(each)))
    assert.match(String(rule['referenced_security_group_id']), /^\$\{aws_security_group\./);
  for (const rule of stack.ofType('aws_vpc_security_group_egress_rule'))
    if (rule['cidr_ipv4'] !== undefined) assert.deepEqual([rule['from_port'], rule['to_port']], [443, 443]);
  const byDefault = stack.get('aws_default_security_group.network-default-security-group');
  for (const group of [...stack.ofType('aws_security_group'), byDefault])
    assert.deepEqual([group['ingress'], group['egress']], [undefined, undefined]);
});

test('only the CIDR blocks that the configuration allows reach the public load balancer', () => {
  const open = synthesizedStack('full')
    .ofType('aws_vpc_security_group_ingress_rule')
    .flatMap((rule) => (rule['cidr_ipv4'] ? [[rule['from_port'], rule['cidr_ipv4']]] : []));
  assert.deepEqual(open, [
    [443, '192.0.2.0/24'],
    [443, '198.51.100.7/32'],
    [80, '192.0.2.0/24'],
    [80, '198.51.100.7/32'],
  ]);
});
