import assert from 'node:assert/strict';
import { test } from 'node:test';
import { costsSection } from './costs.ts';
import {
  created,
  destroyed,
  type Fixture,
  inventoryFrom,
  referring,
  replaced,
  unchanged,
  updated,
} from './plan-fixtures.ts';
import type { Attributes } from './terraform-plan.ts';

const section = (...fixtures: readonly Fixture[]): string => costsSection(inventoryFrom(...fixtures));
/** The rows of tables, without the spaces that align them. */
const rows = (...fixtures: readonly Fixture[]): readonly string[] =>
  section(...fixtures)
    .split('\n')
    .flatMap((line) => (line.startsWith('| ') ? line.slice(2, -2).replace(/ +\|/g, ' |').trim() : []));

const size = (memory: string): Attributes => ({
  family: 'web',
  cpu: '512',
  memory,
  runtime_platform: [{ cpu_architecture: 'ARM64' }],
});
const service: Attributes = { name: 'app-web', launch_type: 'FARGATE', desired_count: 2 };
const wiring = { declared: { task_definition: '${aws_ecs_task_definition.td.arn}' } };
const limits: Attributes = { resource_id: 'service/Cluster/app-web', min_capacity: 2, max_capacity: 4 };

for (const [title, fixtures, expected] of [
  [
    'a first deployment lists what there will be',
    [
      created('aws_nat_gateway.a'),
      created('aws_eip.a'),
      referring('aws_lb.web', { subnets: ['${aws_subnet.a.id}', '${aws_subnet.b.id}'] }, { internal: false }),
      created('aws_subnet.a'),
      created('aws_subnet.b'),
      created('aws_lb.was', { internal: true }),
      created('aws_ecs_task_definition.td', size('1024')),
      created('aws_ecs_service.web', service, wiring),
      created('aws_appautoscaling_target.web', limits),
      created('aws_appautoscaling_policy.web', { policy_type: 'TargetTrackingScaling' }),
      created('aws_cloudwatch_metric_alarm.cpu'),
      created('aws_wafv2_web_acl.waf', { rule: [{}, {}, {}] }),
    ],
    [
      'charged by the hour, as long as it exists | now | after',
      'NAT gateways | 0 | **1**',
      'load balancers | 0 | **2**',
      'Fargate tasks of app-web | 0 | **2 to 4 × (0.5 vCPU, 1 GiB, ARM64, on demand)**',
      'Fargate, total | 0 | **1 to 2 vCPU, 2 to 4 GiB**',
      'public IPv4 addresses: Elastic IPs | 0 | **1**',
      'public IPv4 addresses: load balancers, at least one per Availability Zone | 0 | **2**',
      'charged by the month | now | after',
      'WAF web ACLs | 0 | **1**',
      'WAF rules and rule groups | 0 | **3**',
      'CloudWatch alarms | 0 | **1**',
      'CloudWatch alarms that autoscaling creates, two per policy | 0 | **2**',
      'charged by use | now | after',
      'NAT gateways: every GB through them | 0 | **1**',
      'load balancers: capacity units (requests, connections, GB) | 0 | **2**',
      'WAF: requests | 0 | **1**',
    ],
  ],
  [
    'a change has what differs in bold',
    [
      unchanged('aws_kms_key.k'),
      updated(
        'aws_sagemaker_pipeline.p',
        { pipeline_definition: '{"InstanceType":"ml.g4dn.xlarge"}' },
        { pipeline_definition: '{"InstanceType":"ml.p3.2xlarge"}' },
      ),
      destroyed('aws_cloudwatch_dashboard.d'),
      replaced('aws_ecs_task_definition.td', size('1024'), size('2048')),
      unchanged('aws_ecs_service.web', service, wiring),
      updated('aws_appautoscaling_target.web', limits, { ...limits, min_capacity: 3 }),
    ],
    [
      'charged by the hour, as long as it exists | now | after',
      'Fargate tasks of app-web | 2 to 4 × (0.5 vCPU, 1 GiB, ARM64, on demand) | **3 to 4 × (0.5 vCPU, 2 GiB, ARM64, on demand)**',
      'Fargate, total | 1 to 2 vCPU, 2 to 4 GiB | **1.5 to 2 vCPU, 6 to 8 GiB**',
      'charged by the month | now | after',
      'KMS keys | 1 | 1',
      'CloudWatch dashboards | 1 | **0**',
      'charged by use | now | after',
      'SageMaker pipelines: hours of the instances that their executions start, and of the endpoint | ml.g4dn.xlarge | **ml.p3.2xlarge**',
    ],
  ],
] satisfies [string, Fixture[], string[]][])
  test(title, () => assert.deepEqual(rows(...fixtures), expected));

test('a change that costs nothing more is reported as such; another zone is an address of the load balancer', () => {
  const same = section(unchanged('aws_nat_gateway.a'), updated('aws_vpc.v'));
  assert.match(same, /Nothing that is charged for changes/);
  const subnets = ['${aws_subnet.a.id}', '${aws_subnet.b.id}', '${aws_subnet.c.id}'];
  const details = { unknown: { subnets: true }, declared: { subnets } };
  const balancer = updated('aws_lb.web', { subnets: ['subnet-1', 'subnet-2'] }, {}, details);
  const there = [unchanged('aws_subnet.a'), unchanged('aws_subnet.b')];
  const text = rows(...there, created('aws_subnet.c'), balancer).join();
  assert.match(text, /at least one per Availability Zone \| 2 \| \*\*3\*\*/);
});
