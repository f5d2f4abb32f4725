import type { Inventory } from '../input/inventory.ts';
import { labelOf } from '../input/resource.ts';
import { blocks, bullet, code, paragraph, table } from '../markdown.ts';
import type { View } from './fargate.ts';
import { type Machines, machinesOf } from './machines.ts';

interface Reading {
  readonly machines: readonly (Machines & { readonly pipeline: string })[];
  readonly unread: readonly string[];
}

const readingOf = (inventory: Inventory, view: View): Reading => {
  const pipelines = inventory.ofType('aws_sagemaker_pipeline').flatMap((resource) => {
    const attributes = view(resource);
    if (!attributes) return [];
    const pipeline = labelOf(resource);
    return [{ pipeline, machines: machinesOf(attributes['pipeline_definition']) }];
  });
  return {
    machines: pipelines.flatMap(({ pipeline, machines = [] }) =>
      machines.map((each) => ({ ...each, pipeline })),
    ),
    unread: pipelines.filter(({ machines }) => machines === undefined).map(({ pipeline }) => pipeline),
  };
};

const rowsOf = (machines: Reading['machines']): readonly (readonly string[])[] => {
  const rows = new Map<string, readonly string[]>();
  const pipelines = new Map<string, readonly string[]>();
  for (const { pipeline, step, use, machines: number } of machines) {
    const key = JSON.stringify([step, use, number]);
    rows.set(key, [code(step), use, number]);
    pipelines.set(key, [...(pipelines.get(key) ?? []), code(pipeline)]);
  }
  return [...rows].map(([key, row]) => [...row, pipelines.get(key)?.join(', ') ?? '']);
};

/** The machines that runs of SageMaker pipelines start, which Terraform never does. */
export const learningCosts = (inventory: Inventory): string => {
  const now = readingOf(inventory, ({ before }) => before);
  const then = readingOf(inventory, ({ after }) => after);
  const isEmpty = then.machines.length + then.unread.length === 0;
  if (isEmpty || JSON.stringify(now) === JSON.stringify(then)) return '';
  return blocks(
    '### Started by SageMaker pipelines',
    paragraph('Terraform starts none of these machines; every run of a pipeline does.'),
    then.machines.length > 0 ? table(['step', 'what for', 'machines', 'in'], rowsOf(then.machines)) : '',
    ...then.unread.map((name) => bullet(`⚠ the definition of ${code(name)} cannot be read before the apply`)),
  );
};
