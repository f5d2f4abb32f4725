import { z } from 'zod';
import type { Inventory } from '../input/inventory.ts';
import type { Values } from '../input/json.ts';
import { nameOf, type Resource } from '../input/resource.ts';

/** The state that is looked at: before the plan or after it. */
export type View = (resource: Resource) => Values | undefined;

export interface FargateService {
  readonly name: string;
  readonly address: string;
  readonly tasks: { readonly from: number; readonly to: number };
  readonly cpus: number;
  readonly gibibytes: number;
  readonly architecture: string;
  /** Whether the capacity is on demand or spot. */
  readonly capacity: string;
}

const serviceAttributes = z.looseObject({
  launch_type: z.string().nullish(),
  desired_count: z.number().nullish(),
  name: z.string(),
  capacity_provider_strategy: z.array(z.looseObject({ capacity_provider: z.string() })).nullish(),
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

const CPU_UNITS = 1024;
const MEBIBYTES = 1024;

/** Services of ECS on Fargate, with the size of a task and the number of tasks that autoscaling allows. */
export const fargateServicesOf = (inventory: Inventory, view: View): readonly FargateService[] =>
  inventory.ofType('aws_ecs_service').flatMap((resource) => {
    const attributes = view(resource);
    if (!attributes) return [];
    const service = serviceAttributes.parse(attributes);
    const providers = (service.capacity_provider_strategy ?? []).map((each) => each.capacity_provider);
    const isFargate =
      service.launch_type === 'FARGATE' || providers.some((name) => name.startsWith('FARGATE'));
    if (!isFargate) return [];
    const [definition] = inventory.linked(resource, 'task_definition');
    const size = definitionAttributes.parse((definition && view(definition)) ?? {});
    const target = inventory
      .ofType('aws_appautoscaling_target')
      .flatMap((candidate) => {
        const values = view(candidate);
        return values ? [targetAttributes.parse(values)] : [];
      })
      .find(({ resource_id }) => resource_id.endsWith(`/${service.name}`));
    const count = service.desired_count ?? 0;
    return [
      {
        name: nameOf(resource),
        address: resource.address,
        tasks: target ? { from: target.min_capacity, to: target.max_capacity } : { from: count, to: count },
        cpus: size.cpu / CPU_UNITS,
        gibibytes: size.memory / MEBIBYTES,
        architecture: size.runtime_platform?.[0]?.cpu_architecture ?? 'X86_64',
        capacity: providers.includes('FARGATE_SPOT') ? 'spot' : 'on demand',
      },
    ];
  });
