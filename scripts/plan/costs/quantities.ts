import type { Inventory } from '../input/inventory.ts';
import { asList } from '../input/json.ts';
import type { Resource } from '../input/resource.ts';
import { listed } from '../markdown.ts';
import { fargateServicesOf, type View } from './fargate.ts';

export type Period = 'hour' | 'month' | 'use';

/** Something that AWS charges for. */
export interface Quantity {
  readonly period: Period;
  readonly what: string;
  readonly amount: string;
}

const range = (from: number, to: number): string => (from === to ? String(from) : `${from} to ${to}`);

const present = (inventory: Inventory, view: View, ...types: readonly string[]): readonly Resource[] =>
  inventory.ofType(...types).filter((resource) => view(resource) !== undefined);

const isPublic = (view: View) => (balancer: Resource) => view(balancer)?.['internal'] !== true;

const zonesOf = (resource: Resource, attribute: string, inventory: Inventory, view: View): number =>
  Math.max(inventory.linked(resource, attribute).length, asList(view(resource)?.[attribute]).length);

const byTheHour = (inventory: Inventory, view: View): readonly Quantity[] => {
  const of = (...types: readonly string[]) => present(inventory, view, ...types);
  const hour = (what: string, amount: number | string) =>
    ({ period: 'hour', what, amount: String(amount) }) as const;
  const services = fargateServicesOf(inventory, view);
  const total = (value: (service: (typeof services)[number]) => number, bound: 'from' | 'to') =>
    services.reduce((sum, service) => sum + service.tasks[bound] * value(service), 0);
  const balancers = of('aws_lb', 'aws_alb');
  const addresses = balancers
    .filter(isPublic(view))
    .reduce((sum, balancer) => sum + zonesOf(balancer, 'subnets', inventory, view), 0);
  const endpoints = of('aws_vpc_endpoint').filter(
    (endpoint) => view(endpoint)?.['vpc_endpoint_type'] === 'Interface',
  );
  return [
    hour('NAT gateways', of('aws_nat_gateway').length),
    hour('load balancers', balancers.length),
    ...services.map((service) =>
      hour(
        `Fargate tasks of ${service.name}`,
        `${range(service.tasks.from, service.tasks.to)} × (${service.cpus} vCPU, ${service.gibibytes} GiB, ${service.architecture}, ${service.capacity})`,
      ),
    ),
    hour(
      'Fargate, all together',
      `${range(
        total((each) => each.cpus, 'from'),
        total((each) => each.cpus, 'to'),
      )} vCPU, ${range(
        total((each) => each.gibibytes, 'from'),
        total((each) => each.gibibytes, 'to'),
      )} GiB`,
    ),
    hour('public IPv4 addresses: Elastic IPs', of('aws_eip').length),
    hour('public IPv4 addresses: load balancers, one per zone at least', addresses),
    hour(
      'VPC interface endpoints × zones',
      endpoints.reduce((sum, endpoint) => sum + zonesOf(endpoint, 'subnet_ids', inventory, view), 0),
    ),
  ];
};

const byTheMonth = (inventory: Inventory, view: View): readonly Quantity[] => {
  const of = (...types: readonly string[]) => present(inventory, view, ...types);
  const month = (what: string, amount: number) =>
    ({ period: 'month', what, amount: String(amount) }) as const;
  const acls = of('aws_wafv2_web_acl');
  const tracking = of('aws_appautoscaling_policy').filter(
    (policy) => view(policy)?.['policy_type'] === 'TargetTrackingScaling',
  );
  return [
    month('KMS keys', of('aws_kms_key').length),
    month('WAF web ACLs', acls.length),
    month(
      'WAF rules and rule groups',
      acls.reduce((sum, acl) => sum + asList(view(acl)?.['rule']).length, 0),
    ),
    month('CloudWatch alarms', of('aws_cloudwatch_metric_alarm').length),
    month('CloudWatch alarms that autoscaling makes, two per policy', 2 * tracking.length),
    month('CloudWatch dashboards', of('aws_cloudwatch_dashboard').length),
    month('secrets', of('aws_secretsmanager_secret').length),
    month('DNS zones', of('aws_route53_zone').length),
  ];
};

/** What is charged by what flows through it or runs on it. */
const USES: readonly (readonly [type: string, what: string])[] = [
  ['aws_nat_gateway', 'NAT gateways: every GB through them'],
  ['aws_lb', 'load balancers: capacity units (requests, connections, GB)'],
  ['aws_wafv2_web_acl', 'WAF: requests'],
  ['aws_s3_bucket', 'S3: stored GB and requests'],
  ['aws_ecr_repository', 'ECR: stored GB of images'],
  ['aws_cloudwatch_log_group', 'CloudWatch: GB of logs written and stored'],
  ['aws_codebuild_project', 'CodeBuild: minutes of builds'],
  ['aws_codepipeline', 'CodePipeline: minutes of actions'],
  ['aws_codecommit_repository', 'CodeCommit: users of the month'],
  [
    'aws_sagemaker_domain',
    'SageMaker Studio: hours of running applications, and storage; the domain itself is free',
  ],
];

const byUse = (inventory: Inventory, view: View): readonly Quantity[] => {
  const insights = present(inventory, view, 'aws_ecs_cluster').filter((cluster) =>
    JSON.stringify(view(cluster)?.['setting'] ?? null).match(/"containerInsights".*"enable/),
  );
  const builds = present(inventory, view, 'aws_codebuild_project');
  const sizes = new Set(
    builds.flatMap(
      (build) =>
        JSON.stringify(view(build)?.['environment'] ?? null).match(/BUILD_GENERAL1_\w+|BUILD_LAMBDA_\w+/) ??
        [],
    ),
  );
  return [
    ...USES.map(([type, what]) => {
      const number = present(inventory, view, type).length;
      const size = type === 'aws_codebuild_project' && sizes.size > 0 ? ` (${listed([...sizes])})` : '';
      return { period: 'use', what: `${what}${size}`, amount: String(number) } as const;
    }),
    { period: 'use', what: 'Container Insights: metrics of ECS clusters', amount: String(insights.length) },
  ];
};

const NONE = /^0( |$)/;

/** All that is charged for in one state; what there is none of is left out. */
export const quantitiesOf = (inventory: Inventory, view: View): readonly Quantity[] =>
  [...byTheHour(inventory, view), ...byTheMonth(inventory, view), ...byUse(inventory, view)].filter(
    ({ amount }) => !NONE.test(amount),
  );
