import { z } from 'zod';
import {
  allSteps,
  type DefinitionStep,
  definitionSchema,
  type StepOfType,
} from '../../stacks/learning/pipeline-schema.ts';
import { type Inventory, resourceLabel } from './inventory.ts';
import { blocks, bullet, code, codes, lines, markdownTable, paragraph } from './markdown.ts';
import { chargedQuantities, type Quantities, type Quantity, type StateView } from './quantities.ts';
import { type Json, parseStructure } from './terraform-plan.ts';

const BEFORE: StateView = ({ before }) => before;
const AFTER: StateView = ({ after }) => after;

/** Instances that a step of a SageMaker pipeline starts, or that an endpoint which it updates runs on. */
interface Instances {
  readonly step: string;
  readonly use: string;
  readonly instances: string;
}

/** The environment of the job that deploys a model says what the endpoint is to run on. */
const endpointEnvironment = z.looseObject({
  ENDPOINT_NAME: z.string(),
  INSTANCE_TYPE: z.string(),
  MIN_INSTANCES: z.string(),
  MAX_INSTANCES: z.string(),
});

const describeEndpoint = (name: string, environment: z.output<typeof endpointEnvironment>): Instances => {
  const { ENDPOINT_NAME, INSTANCE_TYPE, MIN_INSTANCES, MAX_INSTANCES } = environment;
  const number = MIN_INSTANCES === MAX_INSTANCES ? MIN_INSTANCES : `${MIN_INSTANCES} to ${MAX_INSTANCES}`;
  return {
    step: name,
    use: `endpoint ${ENDPOINT_NAME}, by the hour until it is deleted`,
    instances: `${number} × ${INSTANCE_TYPE}`,
  };
};

const SECONDS_PER_HOUR = 3600;

type JobStep = StepOfType<'Training' | 'Processing'>;

const describeJob = (
  { Name, Arguments: { StoppingCondition } }: JobStep,
  use: string,
  { InstanceType, InstanceCount }: { readonly InstanceType: string; readonly InstanceCount: number },
  spot = false,
): Instances => {
  const hours = Number((StoppingCondition.MaxRuntimeInSeconds / SECONDS_PER_HOUR).toFixed(1));
  return {
    step: Name,
    use,
    instances: `${InstanceCount} × ${InstanceType}${spot ? ', spot' : ''}, at most ${hours} h`,
  };
};

const stepInstances = (step: DefinitionStep): readonly Instances[] => {
  if (step.Type === 'Training') {
    const { ResourceConfig, EnableManagedSpotTraining } = step.Arguments;
    return [describeJob(step, 'training job', ResourceConfig, EnableManagedSpotTraining)];
  }
  if (step.Type !== 'Processing') return [];
  const { ProcessingResources, Environment } = step.Arguments;
  const { data: endpoint } = endpointEnvironment.safeParse(Environment);
  return [
    describeJob(step, 'processing job', ProcessingResources.ClusterConfig),
    ...(endpoint ? [describeEndpoint(step.Name, endpoint)] : []),
  ];
};

/** @returns nothing when the definition is only known at apply, or is of another form than ours */
const readInstances = (definition: Json | undefined): readonly Instances[] | undefined => {
  const { data } = definitionSchema.safeParse(
    typeof definition === 'string' ? parseStructure(definition) : definition,
  );
  return data && allSteps(data).flatMap(stepInstances);
};

interface PipelineInstances {
  readonly pipeline: string;
  readonly instances: readonly Instances[] | undefined;
}

const pipelineInstances = (inventory: Inventory, view: StateView): readonly PipelineInstances[] =>
  inventory.ofType('aws_sagemaker_pipeline').flatMap((resource) => {
    const attributes = view(resource);
    if (!attributes) return [];
    const instances = readInstances(attributes['pipeline_definition']);
    return [{ pipeline: resourceLabel(resource), instances }];
  });

/** Equal steps are one row, with all pipelines that have them. */
const instanceRows = (pipelines: readonly PipelineInstances[]): readonly (readonly string[])[] => {
  const rows = new Map<string, { row: readonly string[]; pipelines: readonly string[] }>();
  for (const { pipeline, instances = [] } of pipelines)
    for (const { step, use, instances: number } of instances) {
      const row = [code(step), use, number];
      const key = JSON.stringify(row);
      rows.set(key, { row, pipelines: [...(rows.get(key)?.pipelines ?? []), pipeline] });
    }
  return [...rows.values()].map(({ row, pipelines }) => [...row, codes(pipelines)]);
};

/** The instances that runs of SageMaker pipelines start, which Terraform never does. */
const learningCosts = (inventory: Inventory): string => {
  const now = pipelineInstances(inventory, BEFORE);
  const then = pipelineInstances(inventory, AFTER);
  const rows = instanceRows(then);
  const unread = then.filter(({ instances }) => instances === undefined);
  const isSame = JSON.stringify(now) === JSON.stringify(then);
  if (isSame || rows.length + unread.length === 0) return '';
  return blocks(
    '### Started by SageMaker pipelines',
    paragraph('Terraform starts none of these instances; every pipeline execution does.'),
    rows.length > 0 ? markdownTable(['step', 'what for', 'instances', 'in'], rows) : '',
    ...unread.map(({ pipeline }) =>
      bullet(`⚠ the definition of ${code(pipeline)} cannot be read before the apply`),
    ),
  );
};

const PERIODS: readonly (readonly [keyof Quantities, string])[] = [
  ['hour', 'by the hour, as long as it exists'],
  ['month', 'by the month'],
  ['use', 'by use'],
];

const compareQuantities = (before: readonly Quantity[], after: readonly Quantity[]) => {
  const amount = (quantities: readonly Quantity[], what: string) =>
    quantities.find((quantity) => quantity.what === what)?.amount ?? '0';
  const names = new Set([...after, ...before].map(({ what }) => what));
  return [...names].map((what) => ({ what, before: amount(before, what), after: amount(after, what) }));
};

/** What there will be to pay for: quantities, not prices. For a change, the difference and the total. */
export const costsSection = (inventory: Inventory): string => {
  const [before, after] = [chargedQuantities(inventory, BEFORE), chargedQuantities(inventory, AFTER)];
  const isFirst = Object.values(before).every((quantities) => quantities.length === 0);
  const tables = PERIODS.map(([period, words]) => {
    const rows = compareQuantities(before[period], after[period])
      .filter((row) => row.before !== row.after)
      .map((row) => (isFirst ? [row.what, row.after] : [row.what, row.before, row.after]));
    const head = [`charged ${words}`, ...(isFirst ? ['how many'] : ['now', 'after'])];
    return rows.length > 0 ? markdownTable(head, rows) : '';
  });
  const totals = [...after.hour, ...after.month].map(({ what, amount }) => bullet(`${what}: ${amount}`));
  const unchanged = !isFirst && tables.every((each) => each === '');
  return blocks(
    '## What costs money',
    unchanged ? 'Nothing that is charged for changes in number or size.' : '',
    ...tables,
    isFirst || totals.length === 0 ? '' : blocks('In total, after this plan:', lines(...totals)),
    learningCosts(inventory),
    paragraph('These are quantities, not prices; https://calculator.aws knows the prices of the region.'),
  );
};
