import { CloudwatchDashboard } from '@cdktf/provider-aws/lib/cloudwatch-dashboard/index.js';
import type { CloudwatchMetricAlarm } from '@cdktf/provider-aws/lib/cloudwatch-metric-alarm/index.js';
import { CloudwatchQueryDefinition } from '@cdktf/provider-aws/lib/cloudwatch-query-definition/index.js';
import { Construct } from 'constructs';
import { ENDPOINT_VARIANT } from '../../model/contract/sagemaker-jobs.ts';
import { WAS } from '../../services/contract.ts';
import type { MetricName } from '../../services/http/metrics.ts';
import type { Configuration } from '../config/schema.ts';
import type { Deployment } from '../deployment.ts';
import type { LoadBalancedService, Services } from '../service/load-balanced-service.ts';
import { watchAnswers, watchEndpoint, watchService } from './alarms.ts';
import { AlarmTopic, createBudget, watchPipelines } from './notifications.ts';

/** A dashboard is 24 units wide. */
const COLUMNS = 4;
const WIDTH = 24 / COLUMNS;
const HEIGHT = 6;

type Metric = readonly (string | { readonly stat: string; readonly label: string })[];

const metric = (
  namespace: string,
  name: string,
  dimensions: readonly string[],
  stat: string,
  label: string,
): Metric => [namespace, name, ...dimensions, { stat, label }];

/** @param unit label of the left axis */
const graph = (title: string, unit: string, metrics: readonly Metric[]) => ({ title, unit, metrics });

const serviceGraphs = ({ names }: Deployment, { name, loadBalancer }: LoadBalancedService) => {
  const balancer = ['LoadBalancer', loadBalancer.alb.arnSuffix];
  const group = [...balancer, 'TargetGroup', loadBalancer.targetGroup.arnSuffix];
  const alb = (what: string, stat: string, label: string, dimensions = group) =>
    metric('AWS/ApplicationELB', what, dimensions, stat, label);
  const tasks = (what: string, label: string) =>
    metric('AWS/ECS', what, ['ClusterName', names.cluster, 'ServiceName', name], 'Average', label);
  return [
    graph(`${name}: answers`, 'per minute', [
      alb('HTTPCode_Target_2XX_Count', 'Sum', '2xx'),
      alb('HTTPCode_Target_4XX_Count', 'Sum', '4xx'),
      alb('HTTPCode_Target_5XX_Count', 'Sum', '5xx'),
      alb('HTTPCode_ELB_5XX_Count', 'Sum', '5xx of the load balancer', balancer),
    ]),
    graph(`${name}: time to answer`, 's', [
      alb('TargetResponseTime', 'p50', 'half within'),
      alb('TargetResponseTime', 'p95', '95 % within'),
      alb('TargetResponseTime', 'p99', '99 % within'),
    ]),
    graph(`${name}: load of the tasks`, '%', [
      tasks('CPUUtilization', 'CPU'),
      tasks('MemoryUtilization', 'memory'),
    ]),
    graph(`${name}: tasks`, '', [
      alb('HealthyHostCount', 'Minimum', 'healthy'),
      alb('UnHealthyHostCount', 'Maximum', 'unhealthy'),
    ]),
  ];
};

const photoGraphs = ({ metricsNamespace }: Deployment) => {
  const was = (what: MetricName, stat: string, label: string) =>
    metric(metricsNamespace, what, ['service', WAS.name], stat, label);
  return [
    graph('photos: answered', 'per minute', [
      was('Photos', 'Sum', 'answered'),
      was('Unknown', 'Sum', 'none of the classes'),
    ]),
    graph('photos: confidence', '', [
      was('Confidence', 'p50', 'half above'),
      was('Confidence', 'p10', '90 % above'),
    ]),
    graph('photos: time of each stage, 95 % within', 'ms', [
      was('Receive', 'p95', 'received'),
      was('Decode', 'p95', 'decoded'),
      was('Invoke', 'p95', 'classified'),
    ]),
    graph('photos: at once', '', [
      was('InFlight', 'Maximum', 'in work'),
      was('Shed', 'Sum', 'refused per minute'),
    ]),
  ];
};

const endpointGraphs = ({ names }: Deployment) => {
  const variant = ['EndpointName', names.learning.endpoint, 'VariantName', ENDPOINT_VARIANT];
  const model = (what: string, stat: string, label: string) =>
    metric('AWS/SageMaker', what, variant, stat, label);
  const instance = (what: string, label: string) =>
    metric('/aws/sagemaker/Endpoints', what, variant, 'Average', label);
  return [
    graph('model: photos', 'per minute', [
      model('Invocations', 'Sum', 'asked'),
      model('Invocation4XXErrors', 'Sum', '4xx'),
      model('Invocation5XXErrors', 'Sum', '5xx'),
    ]),
    graph('model: time per photo', 'µs', [
      model('ModelLatency', 'p50', 'half within'),
      model('ModelLatency', 'p95', '95 % within'),
      model('OverheadLatency', 'p95', 'SageMaker itself, 95 % within'),
    ]),
    graph('model: load of the machines', '%', [
      instance('CPUUtilization', 'CPU'),
      instance('MemoryUtilization', 'memory'),
    ]),
  ];
};

/** The whole system on one page: alarms, then a row for each service, one for the photos and one for the model. */
const createDashboard = (
  scope: Construct,
  deployment: Deployment,
  services: Services,
  alarms: readonly CloudwatchMetricAlarm[],
) => {
  const rows = [
    serviceGraphs(deployment, services.web),
    serviceGraphs(deployment, services.was),
    photoGraphs(deployment),
    endpointGraphs(deployment),
  ];
  const alarmRow = {
    type: 'alarm',
    x: 0,
    y: 0,
    width: COLUMNS * WIDTH,
    height: HEIGHT / 2,
    properties: { title: 'Alarms', alarms: alarms.map(({ arn }) => arn) },
  };
  const graphs = rows.flatMap((row, y) =>
    row.map(({ title, unit, metrics }, x) => ({
      type: 'metric',
      x: x * WIDTH,
      y: HEIGHT / 2 + y * HEIGHT,
      width: WIDTH,
      height: HEIGHT,
      properties: {
        title,
        region: deployment.region,
        metrics,
        period: 60,
        view: 'timeSeries',
        yAxis: { left: { min: 0, label: unit, showUnits: false } },
      },
    })),
  );
  new CloudwatchDashboard(scope, 'dashboard', {
    dashboardName: deployment.names.dashboard,
    dashboardBody: JSON.stringify({ widgets: [alarmRow, ...graphs] }),
  });
};

interface ObservabilityProps {
  readonly deployment: Deployment;
  readonly services: Services;
  readonly settings: Pick<Configuration['observability'], 'alarmEmail' | 'monthlyBudgetUsd'>;
}

/** The first queries that an operator needs. */
const QUERIES = {
  request:
    'filter requestId = "..." | sort @timestamp | display @timestamp, service, msg, status, code, Latency',
  slow: 'filter msg = "request" and Latency > 1000 | stats count(), avg(Receive), avg(Decode), avg(Invoke) by bin(5m)',
  models:
    'filter Photos > 0 | stats sum(Unknown) / sum(Photos) as unknown, avg(Confidence.0) as confidence, sum(Photos) as photos by modelVersion',
};

/** Alarms that notify one topic, one dashboard, saved queries, a budget. */
export class Observability extends Construct {
  constructor(scope: Construct, id: string, { deployment, services, settings }: ObservabilityProps) {
    super(scope, id);
    const { names } = deployment;
    const { alarmEmail, monthlyBudgetUsd } = settings;
    const topic = new AlarmTopic(this, 'topic', { deployment, email: alarmEmail });
    const alarms = [
      ...watchService(this, 'web', { names, topic, service: services.web }),
      ...watchService(this, 'was', { names, topic, service: services.was }),
      ...watchAnswers(this, deployment, topic),
      ...watchEndpoint(this, names, topic),
    ];
    watchPipelines(this, deployment, topic);
    for (const [what, queryString] of Object.entries(QUERIES))
      new CloudwatchQueryDefinition(this, `query-${what}`, {
        name: `${names.own('bloomstack')}/${what}`,
        queryString,
        logGroupNames: [names.web.logGroup, names.was.logGroup],
      });
    createDashboard(this, deployment, services, alarms);
    if (monthlyBudgetUsd > 0) createBudget(this, names.budget, monthlyBudgetUsd, topic);
  }
}
