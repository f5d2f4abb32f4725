import { CloudwatchMetricAlarm } from '@cdktf/provider-aws/lib/cloudwatch-metric-alarm/index.js';
import type { Construct } from 'constructs';
import { ENDPOINT_VARIANT } from '../../model/contract/sagemaker-jobs.ts';
import { WAS } from '../../services/contract.ts';
import type { MetricName } from '../../services/http/metrics.ts';
import type { Deployment } from '../deployment.ts';
import { endpointAlarmNames, type Names } from '../names.ts';
import type { LoadBalancedService } from '../service/load-balanced-service.ts';
import type { AlarmTopic } from './notifications.ts';

const MINUTE = 60;

interface Metric {
  readonly namespace: string;
  readonly metricName: string;
  readonly dimensions: Readonly<Record<string, string>>;
  /** Sum, Average, Maximum, or a percentile such as p95. */
  readonly statistic: string;
}

interface Watched {
  /** What is wrong and where to look; part of the notification. */
  readonly description: string;
  /** One metric, or a metric math expression and the metrics that it names. */
  readonly metric:
    | Metric
    | { readonly expression: string; readonly metrics: Readonly<Record<string, Metric>> };
  /** The threshold, in the metric's own unit. */
  readonly above: number;
  /** For how many minutes in a row it must be above the threshold. */
  readonly minutes: number;
  /** The period, in minutes. @default 1 */
  readonly period?: number;
}

const metricSettings = (metric: Watched['metric'], period: number) => {
  if (!('expression' in metric)) {
    const { statistic, ...one } = metric;
    return { ...one, ...(/^p\d/.test(statistic) ? { extendedStatistic: statistic } : { statistic }), period };
  }
  const metrics = Object.entries(metric.metrics).map(([id, { statistic: stat, ...one }]) => ({
    id,
    metric: { ...one, stat, period },
  }));
  const judged = { id: 'judged', expression: metric.expression, label: 'judged', returnData: true };
  return { metricQuery: [judged, ...metrics] };
};

/** Notifies the alarm topic when a metric stays above its threshold, and when it recovers. */
const alarm = (
  scope: Construct,
  id: string,
  { topic }: AlarmTopic,
  alarmName: string,
  { description, metric, above, minutes, period = 1 }: Watched,
) =>
  new CloudwatchMetricAlarm(scope, id, {
    ...metricSettings(metric, period * MINUTE),
    alarmName,
    alarmDescription: description,
    comparisonOperator: 'GreaterThanThreshold',
    threshold: above,
    evaluationPeriods: minutes / period,
    treatMissingData: 'notBreaching',
    alarmActions: [topic.arn],
    okActions: [topic.arn],
  });

const ERRORS_PER_MINUTE = 5;
const LATENCY_LIMIT_SECONDS = 2;
/** Autoscaling targets 70; above this it cannot keep up. */
const CPU_LIMIT_PERCENT = 90;

/** Watches a service: its answers, their latency, and its tasks' health and CPU. */
export const watchService = (
  scope: Construct,
  label: 'web' | 'was',
  { names, topic, service }: { names: Names; topic: AlarmTopic; service: LoadBalancedService },
): readonly CloudwatchMetricAlarm[] => {
  const { name, loadBalancer } = service;
  const balancer = { LoadBalancer: loadBalancer.alb.arnSuffix };
  const group = { ...balancer, TargetGroup: loadBalancer.targetGroup.arnSuffix };
  const tasks = { ClusterName: names.cluster, ServiceName: name };
  const logs = `See the log group ${names[label].logGroup}.`;
  const rows = [
    ['errors', 'HTTPCode_Target_5XX_Count', 'Sum', group, ERRORS_PER_MINUTE, 3],
    ['unanswered', 'HTTPCode_ELB_5XX_Count', 'Sum', balancer, ERRORS_PER_MINUTE, 3],
    ['latency', 'TargetResponseTime', 'p95', group, LATENCY_LIMIT_SECONDS, 5],
    ['unhealthy', 'UnHealthyHostCount', 'Maximum', group, 0, 3],
    ['cpu', 'CPUUtilization', 'Average', tasks, CPU_LIMIT_PERCENT, 10],
  ] as const;
  const descriptions: Record<(typeof rows)[number][0], string> = {
    errors: `${name} answers with 5xx. ${logs}`,
    unanswered: `The load balancer of ${name} answers 5xx itself: no task is there, or none in time.`,
    latency: `One answer in twenty of ${name} takes more than ${LATENCY_LIMIT_SECONDS} s. ${logs}`,
    unhealthy: `A task of ${name} does not answer GET /health. ${logs}`,
    cpu: `The tasks of ${name} are at their limit. Raise maxTasks, or give a task more CPU.`,
  };
  return rows.map(([what, metricName, statistic, dimensions, above, minutes]) => {
    const namespace = dimensions === tasks ? 'AWS/ECS' : 'AWS/ApplicationELB';
    const metric = { namespace, metricName, dimensions, statistic };
    const watched = { metric, above, minutes, description: descriptions[what] };
    return alarm(scope, `${label}-${what}`, topic, names.alarm(`${label}-${what}`), watched);
  });
};

/** A metric that the WAS writes into its log: see services/http/metrics.ts. */
const fromLog = (namespace: string, metricName: MetricName, statistic: string): Metric => ({
  namespace,
  metricName,
  dimensions: { service: WAS.name },
  statistic,
});

/** Fewer photos in five minutes are no evidence about a model. */
const ENOUGH_PHOTOS = 20;

/** Watches the answers to clients: latency, overload, and whether the model still recognizes the photos. */
export const watchAnswers = (
  scope: Construct,
  { names, metricsNamespace: namespace }: Deployment,
  topic: AlarmTopic,
): readonly CloudwatchMetricAlarm[] => {
  const watch = (what: string, watched: Watched) => alarm(scope, what, topic, names.alarm(what), watched);
  const photos = fromLog(namespace, 'Photos', 'Sum');
  /** Evaluates an expression over a quarter of an hour with enough photos. */
  const ofEnoughPhotos = (expression: string, above: number, metrics: Readonly<Record<string, Metric>>) => ({
    metric: {
      expression: `IF(photos >= ${ENOUGH_PHOTOS}, ${expression}, 0)`,
      metrics: { photos, ...metrics },
    },
    above,
    minutes: 15,
    period: 5,
  });
  const model =
    'Compare versions by the saved query "models"; npm run model -- rollback --aws takes a new one back.';
  return [
    watch('was-p99', {
      description: 'One answer in a hundred takes more than 5 s. The saved query "slow" says in which stage.',
      metric: fromLog(namespace, 'Latency', 'p99'),
      above: 5000,
      minutes: 5,
    }),
    watch('was-shed', {
      description:
        'Photos are refused as too much at once. Raise was.maxTasks or learning.endpointMaxInstances.',
      metric: fromLog(namespace, 'Shed', 'Sum'),
      above: ERRORS_PER_MINUTE,
      minutes: 3,
    }),
    watch('was-unknown', {
      description: `Four photos of five show none of the classes. ${model}`,
      ...ofEnoughPhotos('unknown / photos', 0.8, { unknown: fromLog(namespace, 'Unknown', 'Sum') }),
    }),
    watch('was-confidence', {
      description: `The model is less than 60 % sure on average. ${model}`,
      ...ofEnoughPhotos('1 - confidence', 0.4, { confidence: fromLog(namespace, 'Confidence', 'Average') }),
    }),
  ];
};

/** Watches the endpoint, which the learning pipeline creates; until then there is no data and no alarm. */
export const watchEndpoint = (
  scope: Construct,
  names: Names,
  topic: AlarmTopic,
): readonly CloudwatchMetricAlarm[] => {
  const metric = (metricName: string, statistic: string): Metric => ({
    namespace: 'AWS/SageMaker',
    metricName,
    dimensions: { EndpointName: names.learning.endpoint, VariantName: ENDPOINT_VARIANT },
    statistic,
  });
  const { errors, latency } = endpointAlarmNames(names);
  return [
    alarm(scope, 'endpoint-errors', topic, errors, {
      description: `The model fails to answer. See the log group ${names.learning.endpointLogGroup}.`,
      metric: metric('Invocation5XXErrors', 'Sum'),
      above: ERRORS_PER_MINUTE,
      minutes: 2,
    }),
    alarm(scope, 'endpoint-latency', topic, latency, {
      description:
        'The model needs more than a second for one photo in twenty. Larger or more instances help.',
      metric: metric('ModelLatency', 'p95'),
      above: 1_000_000,
      minutes: 3,
    }),
  ];
};
