import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PIPELINE_SETTINGS } from '../../stacks/learning/pipeline-settings-fixture.ts';
import { type PipelineSettings, pipelineDefinitions } from '../../stacks/learning/pipelines.ts';
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
/** A row of a table, without the spaces that align it. */
const rows = (text: string): readonly string[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.replace(/ +\|/g, ' |').trim());

const size = (memory: string): Attributes => ({
  family: 'web',
  cpu: '512',
  memory,
  runtime_platform: [{ cpu_architecture: 'ARM64' }],
});
const service: Attributes = { name: 'app-web', launch_type: 'FARGATE', desired_count: 2 };
const wiring = { declared: { task_definition: '${aws_ecs_task_definition.td.arn}' } };
const limits: Attributes = { resource_id: 'service/Cluster/app-web', min_capacity: 2, max_capacity: 4 };

test('a first deploy lists every quantity', () => {
  const text = section(
    created('aws_nat_gateway.a', {}),
    created('aws_eip.a', {}),
    created('aws_subnet.a', {}),
    created('aws_subnet.b', {}),
    referring('aws_lb.web', { subnets: ['${aws_subnet.a.id}', '${aws_subnet.b.id}'] }, { internal: false }),
    referring('aws_lb.was', { subnets: ['${aws_subnet.a.id}'] }, { internal: true }),
    created('aws_ecs_task_definition.td', size('1024')),
    created('aws_ecs_service.web', service, wiring),
    created('aws_appautoscaling_target.web', limits),
    created('aws_appautoscaling_policy.web', { policy_type: 'TargetTrackingScaling' }),
    created('aws_cloudwatch_metric_alarm.cpu', {}),
    created('aws_wafv2_web_acl.waf', { rule: [{}, {}, {}] }),
    created('aws_codebuild_project.b', { environment: [{ compute_type: 'BUILD_GENERAL1_SMALL' }] }),
  );
  for (const row of [
    '| NAT gateways | 1 |',
    '| load balancers | 2 |',
    '| Fargate tasks of app-web | 2 to 4 × (0.5 vCPU, 1 GiB, ARM64, on demand) |',
    '| Fargate, total | 1 to 2 vCPU, 2 to 4 GiB |',
    '| public IPv4 addresses: Elastic IPs | 1 |',
    '| public IPv4 addresses: load balancers, at least one per Availability Zone | 2 |',
    '| WAF rules and rule groups | 3 |',
    '| CloudWatch alarms | 1 |',
    '| CloudWatch alarms that autoscaling creates, two per policy | 2 |',
    '| CodeBuild: minutes of builds (BUILD_GENERAL1_SMALL) | 1 |',
  ])
    assert.ok(rows(text).includes(row), `${row} is missing in\n${text}`);
  assert.ok(!text.includes('KMS'), 'what there is none of is left out');
  assert.match(text, /calculator\.aws/);
});

test('a change lists what differs, and then the whole', () => {
  const text = section(
    unchanged('aws_nat_gateway.a', {}),
    created('aws_nat_gateway.c', {}),
    unchanged('aws_kms_key.k', {}),
    destroyed('aws_cloudwatch_dashboard.d', {}),
    replaced('aws_ecs_task_definition.td', size('1024'), size('2048')),
    unchanged('aws_ecs_service.web', service, wiring),
    updated('aws_appautoscaling_target.web', limits, { ...limits, min_capacity: 3 }),
  );
  assert.deepEqual(rows(text), [
    '| charged by the hour, as long as it exists | now | after |',
    '| NAT gateways | 1 | 2 |',
    '| Fargate tasks of app-web | 2 to 4 × (0.5 vCPU, 1 GiB, ARM64, on demand) | 3 to 4 × (0.5 vCPU, 2 GiB, ARM64, on demand) |',
    '| Fargate, total | 1 to 2 vCPU, 2 to 4 GiB | 1.5 to 2 vCPU, 6 to 8 GiB |',
    '| charged by the month | now | after |',
    '| CloudWatch dashboards | 1 | 0 |',
    '| charged by use | now | after |',
    '| NAT gateways: every GB through them | 1 | 2 |',
  ]);
  assert.match(text, /In total, after this plan:\n\n- NAT gateways: 2\n/);
  assert.match(text, /- KMS keys: 1/);
});

test('a change that costs nothing more is reported as such', () => {
  const text = section(unchanged('aws_nat_gateway.a', {}), updated('aws_vpc.v', {}, {}));
  assert.match(text, /Nothing that is charged for changes/);
  assert.deepEqual(rows(text), []);
});

test('a service without autoscaling has its fixed number of tasks', () => {
  const text = section(
    created('aws_ecs_task_definition.td', { cpu: '256', memory: '512' }),
    created('aws_ecs_service.web', { ...service, desired_count: 1 }, wiring),
  );
  assert.ok(
    rows(text).includes('| Fargate tasks of app-web | 1 × (0.25 vCPU, 0.5 GiB, X86_64, on demand) |'),
    text,
  );
});

const pipeline = (name: string, settings: Partial<PipelineSettings>): Fixture => {
  const definition = pipelineDefinitions({ ...PIPELINE_SETTINGS, ...settings }).deploy;
  return created(`aws_sagemaker_pipeline.${name}`, {
    pipeline_name: name,
    pipeline_definition: JSON.stringify(definition),
  });
};

test('instances of equal steps are listed once, with the pipelines that have them', () => {
  const text = section(
    pipeline('first', {}),
    pipeline('second', { trainingSpot: false, trainingHours: 2, endpointMaxInstances: 1 }),
  );
  const both = '`first`, `second`';
  assert.deepEqual(rows(text), [
    '| step | what for | instances | in |',
    '| `Train` | training job | 1 × ml.g4dn.xlarge, spot, at most 4 h | `first` |',
    `| \`Evaluate\` | processing job | 1 × ml.m5.large, at most 1 h | ${both} |`,
    `| \`DeployEndpoint\` | processing job | 1 × ml.m5.large, at most 2 h | ${both} |`,
    '| `DeployEndpoint` | endpoint image-classifier, by the hour until it is deleted | 1 to 3 × ml.c5.xlarge | `first` |',
    '| `Train` | training job | 1 × ml.g4dn.xlarge, at most 2 h | `second` |',
    '| `DeployEndpoint` | endpoint image-classifier, by the hour until it is deleted | 1 × ml.c5.xlarge | `second` |',
  ]);
});

for (const [form, after] of [
  ['is only known at apply', undefined],
  ['is a reference', '${file("pipeline.json")}'],
  ['has steps of other types', '{"Steps":[{"Name":"Tune","Type":"Tuning","Arguments":{}}]}'],
] as const)
  test(`a pipeline whose definition ${form} is unread`, () => {
    const attributes = { pipeline_name: 'x', ...(after && { pipeline_definition: after }) };
    assert.match(
      section(created('aws_sagemaker_pipeline.x', attributes)),
      /the definition of `x` cannot be read before the apply/,
    );
  });
