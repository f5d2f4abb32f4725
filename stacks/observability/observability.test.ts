import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { z } from 'zod';
import { assertProperties, synthesizedStack } from '../synthesized-stack.ts';

const stack = synthesizedStack();
const OPERATING = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8');
const TOPIC = '${aws_sns_topic.observability-topic.arn}';

test('errors, latency, unhealthy hosts and CPU of both services and the endpoint raise an alarm', () => {
  const names = stack.ofType('aws_cloudwatch_metric_alarm').map((alarm) => alarm['alarm_name']);
  const service = (key: string) =>
    ['cpu', 'errors', 'latency', 'unanswered', 'unhealthy'].map((what) => `app-${key}-${what}`);
  assert.deepEqual(
    names.sort(),
    [
      ...['app-endpoint-errors', 'app-endpoint-latency', 'app-was-p99', 'app-was-shed'],
      ...['app-was-unknown', 'app-was-confidence', ...service('was'), ...service('web')],
    ].sort(),
  );
});

test('every alarm notifies the topic, says what to do, as docs/operating.md does, and does not treat missing data as breaching', () => {
  for (const alarm of stack.ofType('aws_cloudwatch_metric_alarm')) {
    assertProperties(alarm, {
      alarm_actions: [TOPIC],
      ok_actions: [TOPIC],
      treat_missing_data: 'notBreaching',
    });
    assert.match(String(alarm['alarm_description']), /\w{3,}.*\./);
    const [kind] = /-\w+$/.exec(String(alarm['alarm_name'])) ?? [];
    assert.ok(OPERATING.includes(`${kind}\``), kind);
  }
});

test('the alarms of the endpoint watch the endpoint that the pipeline creates', () => {
  const dimensions = { EndpointName: 'image-classifier', VariantName: 'AllTraffic' };
  for (const what of ['errors', 'latency'])
    assertProperties(stack.get(`aws_cloudwatch_metric_alarm.observability-endpoint-${what}`), { dimensions });
});

test('the alarms of the model judge enough photos, of this deployment', () => {
  const alarm = stack.get('aws_cloudwatch_metric_alarm.observability-was-unknown');
  const dimensions = { service: 'app-was' };
  const metric = (metric_name: string) => ({
    ...{ namespace: 'Bloomstack/bloomstack-dev', metric_name, dimensions, period: 300, stat: 'Sum' },
  });
  assert.deepEqual(alarm['metric_query'], [
    { id: 'judged', expression: 'IF(photos >= 20, unknown / photos, 0)', label: 'judged', return_data: true },
    { id: 'photos', metric: metric('Photos') },
    { id: 'unknown', metric: metric('Unknown') },
  ]);
  assertProperties(alarm, { threshold: 0.8, evaluation_periods: 3 });
});

test('a failed delivery or learning pipeline notifies the topic', () => {
  for (const [key, pattern] of [
    ['delivery', /"FAILED".*"app-web-pipeline","app-was-pipeline","app-ml-pipeline"/],
    ['learning', /"Failed".*"equals-ignore-case":"arn:aws:sagemaker:[^"]*pipeline\/AppMlPipeline-Deploy"/],
  ] as const) {
    const rule = stack.get(`aws_cloudwatch_event_rule.observability-failed-${key}`);
    assert.match(String(rule['event_pattern']), pattern);
    assertProperties(stack.get(`aws_cloudwatch_event_target.observability-failed-${key}-topic`), {
      arn: TOPIC,
    });
  }
});

test('the topic is encrypted, with a key that its senders may use', () => {
  assertProperties(stack.get('aws_sns_topic.observability-topic'), {
    kms_master_key_id: '${aws_kms_key.observability-topic-key.arn}',
  });
  const principals = (what: string) =>
    stack
      .statements()
      .flatMap(({ Sid, Principal }) =>
        Sid === `Senders${what}` || Sid === `Events${what}` ? [Principal] : [],
      );
  assert.deepEqual(principals('Publish'), [
    { Service: ['budgets.amazonaws.com', 'cloudwatch.amazonaws.com'] },
    { Service: 'events.amazonaws.com' },
  ]);
  assert.deepEqual(principals('EncryptTheirMessages'), principals('Publish'));
});

test('the queries of docs/operating.md are saved', () => {
  const queries = stack.ofType('aws_cloudwatch_query_definition').map((query) => query['query_string']);
  assert.equal(queries.length, 3);
  for (const query of queries) assert.ok(OPERATING.includes(String(query).split('...').at(-1) ?? ''));
});

test('an e-mail is sent if an address is configured', () => {
  const emails = (from: typeof stack) =>
    from.ofType('aws_sns_topic_subscription').map((each) => each['endpoint']);
  assert.deepEqual([emails(stack), emails(synthesizedStack('full'))], [[], ['on-call@flowers.example']]);
});

test('one dashboard shows the alarms, both services and the model, without overlap', () => {
  const [dashboard, ...others] = stack.ofType('aws_cloudwatch_dashboard');
  assert.deepEqual(others, []);
  const place = { x: z.int(), y: z.int(), width: z.int(), height: z.int() };
  const widget = z.object({ ...place, properties: z.object({ title: z.string() }) });
  const body: unknown = JSON.parse(String(dashboard?.['dashboard_body']));
  const { widgets } = z.object({ widgets: z.array(widget) }).parse(body);
  const titles = widgets.map(({ properties }) => properties.title);
  for (const part of ['Alarms', 'app-web-service', 'app-was-service', 'model'])
    assert.ok(
      titles.some((title) => title.startsWith(part)),
      part,
    );
  const cells = widgets.flatMap(({ x, y, width, height }) =>
    Array.from(
      { length: width * height },
      (_, cell) => `${x + (cell % width)} ${y + Math.floor(cell / width)}`,
    ),
  );
  assert.equal(new Set(cells).size, cells.length);
});

test('logs are kept as long as configured, and not for ever', () => {
  const groups = stack.ofType('aws_cloudwatch_log_group');
  assert.deepEqual(groups.map((group) => group['name']).sort(), [
    '/aws/ecs/containerinsights/AppEcsCluster/performance',
    '/aws/sagemaker/Endpoints/image-classifier',
    '/codebuild/app-ml',
    '/codebuild/app-was',
    '/codebuild/app-web',
    '/ecs/app-was',
    '/ecs/app-web',
  ]);
  for (const group of groups) assert.equal(group['retention_in_days'], 30);
});

test('if configured, the WAF, connections and bucket requests are logged, and shared groups have retention', () => {
  const full = synthesizedStack('full');
  const names = full.ofType('aws_cloudwatch_log_group').map((group) => group['name']);
  for (const name of ['TrainingJobs', 'ProcessingJobs', 'studio'])
    assert.ok(names.includes(`/aws/sagemaker/${name}`), name);
  assertProperties(full.get('aws_flow_log.network-flow-logs'), {
    traffic_type: 'ALL',
    vpc_id: '${aws_vpc.network-vpc.id}',
    log_destination: '${aws_cloudwatch_log_group.network-flow-logs-logs.arn}',
  });
  assert.ok(names.includes('/vpc/flower-vpc-two'));
  assertProperties(full.get('aws_wafv2_web_acl_logging_configuration.web-waf-logs-configuration'), {
    resource_arn: '${aws_wafv2_web_acl.web-waf.arn}',
    log_destination_configs: ['${aws_cloudwatch_log_group.web-waf-logs.arn}'],
    redacted_fields: [{ single_header: { name: 'authorization' } }, { single_header: { name: 'cookie' } }],
  });
  assert.ok(names.includes('aws-waf-logs-flower-web-two'), 'WAF takes no other beginning');
  for (const bucket of ['delivery-artifacts-bucket', 'learning-dataset'])
    assertProperties(full.get(`aws_s3_bucket_logging.${bucket}-logging`), {
      target_bucket: '${aws_s3_bucket.access-logs.id}',
      depends_on: ['aws_s3_bucket_policy.access-logs-policy'],
    });
  assert.ok(full.statements().some(({ Sid }) => Sid === 'BucketsWriteTheirLogs'));
  for (const type of ['aws_flow_log', 'aws_wafv2_web_acl_logging_configuration', 'aws_s3_bucket_logging'])
    assert.deepEqual(stack.ofType(type), [], type);
});

test('the budget warns the topic at 80 % and before 100 %; zero means none', () => {
  const budget = stack.get('aws_budgets_budget.observability-budget');
  assertProperties(budget, { limit_amount: '500', limit_unit: 'USD', time_unit: 'MONTHLY' });
  assert.match(
    JSON.stringify(budget['notification']),
    /"ACTUAL","subscriber_sns_topic_arns".*"threshold":80.*"FORECASTED".*"threshold":100/,
  );
  assert.deepEqual(synthesizedStack('minimal').ofType('aws_budgets_budget'), []);
});
