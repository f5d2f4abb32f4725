import { CloudwatchDashboard } from '@cdktf/provider-aws/lib/cloudwatch-dashboard/index.js';
import { CloudwatchQueryDefinition } from '@cdktf/provider-aws/lib/cloudwatch-query-definition/index.js';
import { Construct } from 'constructs';
import { ENDPOINT_VARIANT } from '../../model/contract/sagemaker-jobs.ts';
import { WAS } from '../../services/contract.ts';
import type { MetricName } from '../../services/http/metrics.ts';
import type { Configuration } from '../config/schema.ts';
import type { Deployment } from '../deployment.ts';
import type { LoadBalancedService, Services } from '../service/load-balanced-service.ts';
import { type Alarm, watchAnswers, watchEndpoint, watchService } from './alarms.ts';
import { AlarmTopic, FailedPipelines, MonthlyBudget } from './notifications.ts';

/** A dashboard is 24 units wide. */
const COLUMNS = 4;
const WIDTH = 24 / COLUMNS;
const HEIGHT = 6;

type Metric = readonly (string | { readonly stat: string; readonly label: string })[];

interface Graph {
  readonly title: string;
  readonly metrics: readonly Metric[];
  /** Unit at the left axis. */
  readonly unit: string;
}

interface DashboardProps {
  readonly deployment: Deployment;
  readonly services: Services;
  readonly alarms: readonly Alarm[];
}

const line = (stat: string, label: string) => ({ stat, label });

const serviceGraphs = (
  { names }: Deployment,
  { name, loadBalancer }: LoadBalancedService,
): readonly Graph[] => {
  const balancer = ['LoadBalancer', loadBalancer.alb.arnSuffix];
  const group = [...balancer, 'TargetGroup', loadBalancer.targetGroup.arnSuffix];
  const tasks = ['ClusterName', names.cluster, 'ServiceName', name];
  const alb = (metric: string, dimensions: readonly string[], stat: string, label: string): Metric => [
    'AWS/ApplicationELB',
    metric,
    ...dimensions,
    line(stat, label),
  ];
  return [
    {
      title: `${name}: answers`,
      unit: 'per minute',
      metrics: [
        alb('HTTPCode_Target_2XX_Count', group, 'Sum', '2xx'),
        alb('HTTPCode_Target_4XX_Count', group, 'Sum', '4xx'),
        alb('HTTPCode_Target_5XX_Count', group, 'Sum', '5xx'),
        alb('HTTPCode_ELB_5XX_Count', balancer, 'Sum', '5xx of the load balancer'),
      ],
    },
    {
      title: `${name}: time to answer`,
      unit: 's',
      metrics: [
        alb('TargetResponseTime', group, 'p50', 'half within'),
        alb('TargetResponseTime', group, 'p95', '95 % within'),
        alb('TargetResponseTime', group, 'p99', '99 % within'),
      ],
    },
    {
      title: `${name}: load of the tasks`,
      unit: '%',
      metrics: [
        ['AWS/ECS', 'CPUUtilization', ...tasks, line('Average', 'CPU')],
        ['AWS/ECS', 'MemoryUtilization', ...tasks, line('Average', 'memory')],
      ],
    },
    {
      title: `${name}: tasks`,
      unit: '',
      metrics: [
        alb('HealthyHostCount', group, 'Minimum', 'healthy'),
        alb('UnHealthyHostCount', group, 'Maximum', 'unhealthy'),
      ],
    },
  ];
};

/** What the WAS writes into its log about the photos. */
const photoGraphs = ({ metricsNamespace }: Deployment): readonly Graph[] => {
  const was = (metric: MetricName, stat: string, label: string): Metric => [
    metricsNamespace,
    metric,
    'service',
    WAS.name,
    line(stat, label),
  ];
  return [
    {
      title: 'photos: answered',
      unit: 'per minute',
      metrics: [was('Photos', 'Sum', 'answered'), was('Unknown', 'Sum', 'none of the classes')],
    },
    {
      title: 'photos: confidence',
      unit: '',
      metrics: [was('Confidence', 'p50', 'half above'), was('Confidence', 'p10', '90 % above')],
    },
    {
      title: 'photos: time of each stage, 95 % within',
      unit: 'ms',
      metrics: [
        was('Receive', 'p95', 'received'),
        was('Decode', 'p95', 'decoded'),
        was('Invoke', 'p95', 'classified'),
      ],
    },
    {
      title: 'photos: at once',
      unit: '',
      metrics: [was('InFlight', 'Maximum', 'in work'), was('Shed', 'Sum', 'refused per minute')],
    },
  ];
};

const endpointGraphs = ({ names }: Deployment): readonly Graph[] => {
  const variant = ['EndpointName', names.learning.endpoint, 'VariantName', ENDPOINT_VARIANT];
  const model = (metric: string, stat: string, label: string): Metric => [
    'AWS/SageMaker',
    metric,
    ...variant,
    line(stat, label),
  ];
  const instance = (metric: string, label: string): Metric => [
    '/aws/sagemaker/Endpoints',
    metric,
    ...variant,
    line('Average', label),
  ];
  return [
    {
      title: 'model: photos',
      unit: 'per minute',
      metrics: [
        model('Invocations', 'Sum', 'asked'),
        model('Invocation4XXErrors', 'Sum', '4xx'),
        model('Invocation5XXErrors', 'Sum', '5xx'),
      ],
    },
    {
      title: 'model: time per photo',
      unit: 'µs',
      metrics: [
        model('ModelLatency', 'p50', 'half within'),
        model('ModelLatency', 'p95', '95 % within'),
        model('OverheadLatency', 'p95', 'SageMaker itself, 95 % within'),
      ],
    },
    {
      title: 'model: load of the machines',
      unit: '%',
      metrics: [instance('CPUUtilization', 'CPU'), instance('MemoryUtilization', 'memory')],
    },
  ];
};

/** The whole system on one page: alarms on top, then a row for each service and one for the model. */
class Dashboard extends Construct {
  constructor(scope: Construct, id: string, { deployment, services, alarms }: DashboardProps) {
    super(scope, id);
    const { region } = deployment;
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
      properties: { title: 'Alarms', alarms: alarms.map(({ alarm }) => alarm.arn) },
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
          region,
          metrics,
          period: 60,
          view: 'timeSeries',
          yAxis: { left: { min: 0, label: unit, showUnits: false } },
        },
      })),
    );
    new CloudwatchDashboard(this, 'Resource', {
      dashboardName: deployment.names.dashboard,
      dashboardBody: JSON.stringify({ widgets: [alarmRow, ...graphs] }),
    });
  }
}

interface ObservabilityProps {
  readonly deployment: Deployment;
  readonly services: Services;
  readonly settings: Pick<Configuration['observability'], 'alarmEmail' | 'monthlyBudgetUsd'>;
}

/** Questions to the logs that an operator asks first. */
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
    new FailedPipelines(this, 'failed', { deployment, topic });
    for (const [what, queryString] of Object.entries(QUERIES))
      new CloudwatchQueryDefinition(this, `query-${what}`, {
        name: `${names.own('bloomstack')}/${what}`,
        queryString,
        logGroupNames: [names.web.logGroup, names.was.logGroup],
      });
    new Dashboard(this, 'dashboard', { deployment, services, alarms });
    if (monthlyBudgetUsd > 0)
      new MonthlyBudget(this, 'budget', { name: names.budget, usd: monthlyBudgetUsd, topic });
  }
}
