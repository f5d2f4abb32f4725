import { z } from 'zod';
import usesByType from './charged-by-use.json' with { type: 'json' };
import { displayName, type Inventory, type Resource } from './inventory.ts';
import { type Attributes, asArray } from './terraform-plan.ts';

/** A resource's attributes in one state: before the plan or after it. */
export type StateView = (resource: Resource) => Attributes | undefined;

/** Something that AWS charges for. */
export interface Quantity {
  readonly what: string;
  readonly amount: string;
}

export type Quantities = Readonly<Record<'hour' | 'month' | 'use', readonly Quantity[]>>;

const serviceAttributes = z.looseObject({
  launch_type: z.string().nullish(),
  desired_count: z.number().nullish(),
  name: z.string(),
});

const definitionAttributes = z.looseObject({
  cpu: z.coerce.number().catch(0),
  memory: z.coerce.number().catch(0),
  runtime_platform: z.array(z.looseObject({ cpu_architecture: z.string().nullish() })).nullish(),
});

const targetAttributes = z.looseObject({
  resource_id: z.string().catch(''),
  min_capacity: z.number(),
  max_capacity: z.number(),
});

/** CPU units in a vCPU, and mebibytes in a gibibyte. */
const UNITS = 1024;

/** Services of ECS on Fargate, with the size of a task and the number of tasks that autoscaling allows. */
const fargateServices = (inventory: Inventory, view: StateView) => {
  const targets = inventory.ofType('aws_appautoscaling_target').flatMap((resource) => {
    const attributes = view(resource);
    return attributes ? [targetAttributes.parse(attributes)] : [];
  });
  return inventory.ofType('aws_ecs_service').flatMap((resource) => {
    const attributes = view(resource);
    if (!attributes) return [];
    const service = serviceAttributes.parse(attributes);
    if (service.launch_type !== 'FARGATE') return [];
    const [definition] = inventory.linked(resource, 'task_definition');
    const size = definitionAttributes.parse((definition && view(definition)) ?? {});
    const target = targets.find(({ resource_id }) => resource_id.endsWith(`/${service.name}`));
    const count = service.desired_count ?? 0;
    return [
      {
        name: displayName(resource),
        tasks: target ? { from: target.min_capacity, to: target.max_capacity } : { from: count, to: count },
        cpus: size.cpu / UNITS,
        gibibytes: size.memory / UNITS,
        architecture: size.runtime_platform?.[0]?.cpu_architecture ?? 'X86_64',
      },
    ];
  });
};

const range = (from: number, to: number): string => (from === to ? String(from) : `${from} to ${to}`);

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

type Amounts = readonly (readonly [what: string, amount: number | string])[];

const describeFargate = (services: ReturnType<typeof fargateServices>): Amounts => {
  const total = (size: (service: (typeof services)[number]) => number) =>
    range(
      sum(services.map((service) => service.tasks.from * size(service))),
      sum(services.map((service) => service.tasks.to * size(service))),
    );
  return [
    ...services.map(
      ({ name, tasks, cpus, gibibytes, architecture }) =>
        [
          `Fargate tasks of ${name}`,
          `${range(tasks.from, tasks.to)} × (${cpus} vCPU, ${gibibytes} GiB, ${architecture}, on demand)`,
        ] as const,
    ),
    ['Fargate, total', `${total(({ cpus }) => cpus)} vCPU, ${total(({ gibibytes }) => gibibytes)} GiB`],
  ];
};

const NONE = /^0( |$)/;

const withoutNone = (amounts: Amounts): readonly Quantity[] =>
  amounts
    .map(([what, amount]) => ({ what, amount: String(amount) }))
    .filter(({ amount }) => !NONE.test(amount));

/** Everything that is charged for in one state; zero quantities are left out. */
export const chargedQuantities = (inventory: Inventory, view: StateView): Quantities => {
  const find = (type: string): readonly Resource[] =>
    inventory.ofType(type).filter((resource) => view(resource) !== undefined);
  const number = (type: string): number => find(type).length;

  const publicSubnets = find('aws_lb')
    .filter((balancer) => view(balancer)?.['internal'] !== true)
    .map((balancer) => {
      const subnets = inventory.linked(balancer, 'subnets').filter((subnet) => view(subnet));
      return Math.max(subnets.length, asArray(view(balancer)?.['subnets']).length);
    });
  const hour: Amounts = [
    ['NAT gateways', number('aws_nat_gateway')],
    ['load balancers', number('aws_lb')],
    ...describeFargate(fargateServices(inventory, view)),
    ['public IPv4 addresses: Elastic IPs', number('aws_eip')],
    ['public IPv4 addresses: load balancers, at least one per Availability Zone', sum(publicSubnets)],
  ];

  const webAcls = find('aws_wafv2_web_acl');
  const tracking = find('aws_appautoscaling_policy').filter(
    (policy) => view(policy)?.['policy_type'] === 'TargetTrackingScaling',
  );
  const month: Amounts = [
    ['KMS keys', number('aws_kms_key')],
    ['WAF web ACLs', webAcls.length],
    ['WAF rules and rule groups', sum(webAcls.map((acl) => asArray(view(acl)?.['rule']).length))],
    ['CloudWatch alarms', number('aws_cloudwatch_metric_alarm')],
    ['CloudWatch alarms that autoscaling creates, two per policy', 2 * tracking.length],
    ['CloudWatch dashboards', number('aws_cloudwatch_dashboard')],
  ];

  const definitions = find('aws_sagemaker_pipeline').map((each) => view(each)?.['pipeline_definition']);
  const instances = new Set(JSON.stringify(definitions).match(/\bml\.\w+\.\w+/g));
  const use: Amounts = [
    ...Object.entries(usesByType).map(([type, what]) => [what, number(type)] as const),
    [
      'SageMaker pipelines: hours of the instances that their executions start, and of the endpoint',
      [...instances].sort().join(', ') || definitions.length,
    ],
  ];

  return { hour: withoutNone(hour), month: withoutNone(month), use: withoutNone(use) };
};
