import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { assertProperties, synthesizedStack } from '../synthesized-stack.ts';

const stack = synthesizedStack();
const TOPIC = '${aws_sns_topic.observability-topic.arn}';

test('errors, latency, unhealthy hosts and CPU of both services and the endpoint raise an alarm', () => {
  const names = stack.ofType('aws_cloudwatch_metric_alarm').map((alarm) => alarm['alarm_name']);
  const service = (key: string) =>
    ['cpu', 'errors', 'latency', 'unanswered', 'unhealthy'].map((what) => `app-${key}-${what}`);
  assert.deepEqual(
    names.sort(),
    ['app-endpoint-errors', 'app-endpoint-latency', ...service('was'), ...service('web')].sort(),
  );
});

test('every alarm notifies the topic, says what to do, and does not treat missing data as breaching', () => {
  for (const alarm of stack.ofType('aws_cloudwatch_metric_alarm')) {
    assertProperties(alarm, {
      alarm_actions: [TOPIC],
      ok_actions: [TOPIC],
      treat_missing_data: 'notBreaching',
    });
    assert.match(String(alarm['alarm_description']), /\w{3,}.*\./);
  }
});

test('the alarms of the endpoint watch the endpoint that the pipeline creates', () => {
  for (const what of ['errors', 'latency'])
    assertProperties(stack.get(`aws_cloudwatch_metric_alarm.observability-endpoint-${what}`), {
      namespace: 'AWS/SageMaker',
      dimensions: { EndpointName: 'image-classifier', VariantName: 'AllTraffic' },
    });
});

test('a failed delivery or learning pipeline notifies the topic', () => {
  for (const [key, pattern] of [
    ['delivery', /"FAILED".*"app-web-pipeline","app-was-pipeline","app-ml-pipeline"/],
    ['learning', /"Failed".*pipeline\/appmlpipeline-deploy/],
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
  const senders = stack
    .statements()
    .filter(({ Sid }) => Sid === 'SendersPublish' || Sid === 'SendersEncryptTheirMessages')
    .map(({ Principal }) => Principal);
  assert.equal(senders.length, 2);
  assert.deepEqual(senders[0], senders[1]);
});

test('e-mail is sent if an address is configured', () => {
  assert.deepEqual(stack.ofType('aws_sns_topic_subscription'), []);
  const subscribed = synthesizedStack('full');
  assertProperties(subscribed.get('aws_sns_topic_subscription.observability-topic-email'), {
    protocol: 'email',
    endpoint: 'on-call@flowers.example',
  });
});

test('one dashboard shows the alarms, both services and the model, without overlap', () => {
  const [dashboard, ...others] = stack.ofType('aws_cloudwatch_dashboard');
  assert.deepEqual(others, []);
  const [x, y, width, height] = [z.int(), z.int(), z.int(), z.int()];
  const widget = z.object({
    type: z.string(),
    x,
    y,
    width,
    height,
    properties: z.object({ title: z.string() }),
  });
  const { widgets } = z
    .object({ widgets: z.array(widget) })
    .parse(JSON.parse(String(dashboard?.['dashboard_body'])));
  assert.equal(widgets.filter(({ type }) => type === 'alarm').length, 1);
  for (const part of ['app-web-service', 'app-was-service', 'model'])
    assert.ok(
      widgets.some(({ properties }) => properties.title.startsWith(part)),
      part,
    );
  const cells = widgets.flatMap((each) =>
    Array.from({ length: each.width * each.height }, (_, cell) =>
      [each.x + (cell % each.width), each.y + Math.floor(cell / each.width)].join(),
    ),
  );
  assert.equal(new Set(cells).size, cells.length);
});

test('logs are kept as long as configured, and not for ever', () => {
  const groups = stack.ofType('aws_cloudwatch_log_group');
  assert.deepEqual(groups.map((group) => group['name']).sort(), [
    '/codebuild/app-ml',
    '/codebuild/app-was',
    '/codebuild/app-web',
    '/ecs/app-was',
    '/ecs/app-web',
  ]);
  for (const group of groups) assert.equal(group['retention_in_days'], 30);
});

test('the budget warns the topic at 80 % and before 100 %; zero means none', () => {
  assertProperties(stack.get('aws_budgets_budget.observability-budget'), {
    limit_amount: '500',
    limit_unit: 'USD',
    time_unit: 'MONTHLY',
  });
  assert.match(
    JSON.stringify(stack.get('aws_budgets_budget.observability-budget')['notification']),
    /"ACTUAL","subscriber_sns_topic_arns".*"threshold":80.*"FORECASTED".*"threshold":100/,
  );
  assert.deepEqual(synthesizedStack('minimal').ofType('aws_budgets_budget'), []);
});
