import { DEPLOY_ENVIRONMENT } from '../../../model/contract/learning-jobs.ts';
import {
  allSteps,
  type DefinitionStep,
  definitionSchema,
  type StepOfType,
} from '../../../stacks/learning/pipeline-schema.ts';
import { type Json, parseStructure } from '../input/json.ts';

/** Machines that a step of a SageMaker pipeline starts, or names for something that it makes. */
export interface Machines {
  readonly step: string;
  readonly use: string;
  readonly machines: string;
}

type Use = Omit<Machines, 'step'>;

const SECONDS_PER_HOUR = 3600;

const atMost = (seconds: number): string => `at most ${Number((seconds / SECONDS_PER_HOUR).toFixed(1))} h`;

const trainingJob = ({ Arguments }: StepOfType<'Training'>): Use => {
  const { ResourceConfig, StoppingCondition, EnableManagedSpotTraining } = Arguments;
  const spot = EnableManagedSpotTraining ? ', spot' : '';
  return {
    use: 'training job',
    machines: `${ResourceConfig.InstanceCount} × ${ResourceConfig.InstanceType}${spot}, ${atMost(StoppingCondition.MaxRuntimeInSeconds)}`,
  };
};

const processingJob = ({ Arguments }: StepOfType<'Processing'>): Use => {
  const { InstanceCount, InstanceType } = Arguments.ProcessingResources.ClusterConfig;
  return {
    use: 'processing job',
    machines: `${InstanceCount} × ${InstanceType}, ${atMost(Arguments.StoppingCondition.MaxRuntimeInSeconds)}`,
  };
};

/** The job that puts a model on an endpoint is told by its environment what the endpoint shall run on. */
const endpoint = ({ Arguments: { Environment = {} } }: StepOfType<'Processing'>): readonly Use[] => {
  const name = Environment[DEPLOY_ENVIRONMENT.endpointName];
  const type = Environment[DEPLOY_ENVIRONMENT.instanceType];
  const from = Environment[DEPLOY_ENVIRONMENT.minInstances];
  const to = Environment[DEPLOY_ENVIRONMENT.maxInstances];
  if (typeof name !== 'string' || typeof type !== 'string') return [];
  const number = from === to ? from : `${from} to ${to}`;
  return [{ use: `endpoint ${name}, by the hour until it is deleted`, machines: `${number} × ${type}` }];
};

const machinesOfStep = (step: DefinitionStep): readonly Use[] => {
  if (step.Type === 'Training') return [trainingJob(step)];
  return step.Type === 'Processing' ? [processingJob(step), ...endpoint(step)] : [];
};

/** @returns nothing when the definition cannot be read: it is known only at apply, or has another shape than ours */
export const machinesOf = (definition: Json | undefined): readonly Machines[] | undefined => {
  const structure = typeof definition === 'string' ? parseStructure(definition) : definition;
  const { data } = definitionSchema.safeParse(structure);
  return (
    data && allSteps(data).flatMap((step) => machinesOfStep(step).map((use) => ({ step: step.Name, ...use })))
  );
};
