import assert from 'node:assert/strict';
import { test } from 'node:test';
import { likelyFailuresSection } from './changes.ts';
import { created, type Fixture, inventoryFrom, replaced, unchanged, updated } from './plan-fixtures.ts';

const failures = (...fixtures: readonly Fixture[]): string =>
  likelyFailuresSection(inventoryFrom(...fixtures));

const targetGroup = replaced('aws_lb_target_group.tg', { port: 1 }, { port: 2 });
const forwarding = { declared: { default_action: [{ target_group_arn: '${aws_lb_target_group.tg.arn}' }] } };

test('a target group that is deleted while its listener stays makes the apply fail', () => {
  assert.match(
    failures(targetGroup, updated('aws_lb_listener.http', {}, {}, forwarding)),
    /`aws_lb_target_group\.tg` is deleted first, which AWS refuses while `aws_lb_listener\.http`/,
  );
});

test('it does not when the listener goes too, is new, or when the new group is created first', () => {
  assert.equal(failures(targetGroup, replaced('aws_lb_listener.http', {}, {}, forwarding)), '');
  assert.equal(failures(targetGroup, created('aws_lb_listener.http', {}, forwarding)), '');
  const entry = { ...targetGroup.entry, change: { actions: ['create', 'delete'], before: {}, after: {} } };
  assert.equal(failures({ ...targetGroup, entry }, updated('aws_lb_listener.http', {}, {}, forwarding)), '');
});

test('a load balancer cannot follow its subnets into another VPC', () => {
  const balancer = updated('aws_lb.web', {}, {}, { declared: { subnets: ['${aws_subnet.a.id}'] } });
  const subnet = replaced('aws_subnet.a', {}, {});
  assert.match(
    failures(replaced('aws_vpc.main', {}, {}), subnet, balancer),
    /`aws_lb\.web` would move to another VPC/,
  );
  assert.equal(failures(unchanged('aws_vpc.main', {}), subnet, balancer), '');
});
