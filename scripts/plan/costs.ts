import { z } from 'zod';
import { pluralize } from '../../model/shared/text.ts';
import {
  allSteps,
  type DefinitionStep,
  definitionSchema,
  type StepOfType,
} from '../../stacks/learning/pipeline-schema.ts';
import { type Inventory, resourceLabel } from './inventory.ts';
import { blocks, bold, bullet, code, markdownTable } from './markdown.ts';
import { chargedQuantities, type Quantities, type Quantity, range, type StateView } from './quantities.ts';
import { type Json, parseStructure } from './terraform-plan.ts';

const BEFORE: StateView = ({ before }) => before;
const AFTER: StateView = ({ after }) => after;

/** The environment of the job that deploys a model says what the endpoint is to run on. */
const endpointEnvironment = z.looseObject({
  ENDPOINT_NAME: z.string(),
  INSTANCE_TYPE: z.string(),
  MIN_INSTANCES: z.string(),
  MAX_INSTANCES: z.string(),
});

/** Instances that a step of a SageMaker pipeline starts, or that an endpoint which it updates runs on. */
type InstanceRow = readonly [step: string, use: string, instances: string];

const describeJob = (
  { Name, Arguments: { StoppingCondition } }: StepOfType<'Training' | 'Processing'>,
  use: string,
  { InstanceType, InstanceCount }: { readonly InstanceType: string; readonly InstanceCount: number },
  spot = false,
): InstanceRow => {
  const hours = Number((StoppingCondition.MaxRuntimeInSeconds / 3600).toFixed(1));
  return [Name, use, `${InstanceCount} × ${InstanceType}${spot ? ', spot' : ''}, at most ${hours} h`];
};

const stepInstances = (step: DefinitionStep): readonly InstanceRow[] => {
  if (step.Type === 'Training') {
    const { ResourceConfig, EnableManagedSpotTraining } = step.Arguments;
    return [describeJob(step, 'training job', ResourceConfig, EnableManagedSpotTraining)];
  }
  if (step.Type !== 'Processing') return [];
  const { ProcessingResources, Environment } = step.Arguments;
  const job = describeJob(step, 'processing job', ProcessingResources.ClusterConfig);
  const { data } = endpointEnvironment.safeParse(Environment);
  if (!data) return [job];
  const { ENDPOINT_NAME, INSTANCE_TYPE, MIN_INSTANCES, MAX_INSTANCES } = data;
  const use = `endpoint ${ENDPOINT_NAME}, by the hour until it is deleted`;
  return [job, [step.Name, use, `${range(MIN_INSTANCES, MAX_INSTANCES)} × ${INSTANCE_TYPE}`]];
};

/** @returns nothing when the definition is only known at apply, or is of another form than ours */
const readInstances = (definition: Json | undefined): readonly InstanceRow[] | undefined => {
  const { data } = definitionSchema.safeParse(
    typeof definition === 'string' ? parseStructure(definition) : definition,
  );
  return data && allSteps(data).flatMap(stepInstances);
};

const pipelineInstances = (inventory: Inventory, view: StateView) =>
  inventory.ofType('aws_sagemaker_pipeline').flatMap((resource) => {
    const attributes = view(resource);
    if (!attributes) return [];
    return [{ pipeline: resourceLabel(resource), rows: readInstances(attributes['pipeline_definition']) }];
  });

/** The instances that runs of SageMaker pipelines start, which Terraform never does. */
const learningCosts = (inventory: Inventory): string => {
  const [now, then] = [pipelineInstances(inventory, BEFORE), pipelineInstances(inventory, AFTER)];
  if (then.length === 0 || JSON.stringify(now) === JSON.stringify(then)) return '';
  const rows = then.flatMap(({ pipeline, rows = [] }) =>
    rows.map(([step, ...rest]) => [code(pipeline), code(step), ...rest]),
  );
  const unread = then.filter((each) => each.rows === undefined);
  return blocks(
    '### Started by SageMaker pipelines',
    'Terraform starts none of these instances; every pipeline execution does.',
    rows.length > 0 ? markdownTable(['pipeline', 'step', 'what for', 'instances'], rows) : '',
    ...unread.map(({ pipeline }) =>
      bullet(`⚠ the definition of ${code(pipeline)} cannot be read before the apply`),
    ),
  );
};

const PERIODS: readonly (readonly [keyof Quantities, string])[] = [
  ['hour', 'charged by the hour, as long as it exists'],
  ['month', 'charged by the month'],
  ['use', 'charged by use'],
];

const compareQuantities = (before: readonly Quantity[], after: readonly Quantity[]) => {
  const amount = (quantities: readonly Quantity[], what: string) =>
    quantities.find((quantity) => quantity.what === what)?.amount ?? '0';
  const names = new Set([...after, ...before].map(({ what }) => what));
  return [...names].map((what) => ({ what, before: amount(before, what), after: amount(after, what) }));
};

/** What there is and will be to pay for: quantities, not prices. What changes is in bold. */
export const costsSection = (inventory: Inventory): string => {
  const [before, after] = [chargedQuantities(inventory, BEFORE), chargedQuantities(inventory, AFTER)];
  const periods = PERIODS.map(([period, head]) => ({
    head,
    rows: compareQuantities(before[period], after[period]),
  }));
  const changed = periods.flatMap(({ rows }) => rows).filter((row) => row.before !== row.after);
  return blocks(
    '## What costs money',
    changed.length > 0
      ? `${pluralize(changed.length, 'quantity', 'quantities')} will change.`
      : 'Nothing that is charged for changes in number or size.',
    ...periods.map(({ head, rows }) =>
      rows.length > 0
        ? markdownTable(
            [head, 'now', 'after'],
            rows.map((row) => [row.what, row.before, row.before === row.after ? row.after : bold(row.after)]),
          )
        : '',
    ),
    learningCosts(inventory),
    'These are quantities, not prices; https://calculator.aws knows the prices of the region.',
  );
};
