import { type Definition, type DefinitionStep, definitionSchema } from './definition-schema.ts';
import { type PipelineDefinition, pipelineDefinitions } from './definitions.ts';
import type { PipelineSettings } from './settings.ts';

const role = (name: string) => `arn:aws:iam::000000000000:role/${name}`;

/** Settings for tests, with no two values alike. */
export const settings: PipelineSettings = {
  region: 'ap-northeast-2',
  datasetBucket: 'app-ml-dataset-test',
  trainingImage: '000000000000.dkr.ecr.ap-northeast-2.amazonaws.com/app-ml:initial',
  servingImage: '763104351884.dkr.ecr.ap-northeast-2.amazonaws.com/tensorflow-inference:2.20-cpu',
  servingEnvironment: { SAGEMAKER_TFS_ENABLE_BATCHING: 'true' },
  roles: {
    training: role('app-ml-training-role'),
    deploy: role('app-ml-deploy-role'),
    serving: role('app-ml-serving-role'),
  },
  trainingJobName: 'app-flower-classifier',
  trainingInstanceType: 'ml.g4dn.xlarge',
  trainingSpot: true,
  trainingHours: 4,
  processingInstanceType: 'ml.m5.large',
  modelPackageGroup: 'app-flower-models',
  minAccuracy: 0.9,
  endpointName: 'image-classifier',
  endpointInstanceType: 'ml.c5.xlarge',
  endpointMinInstances: 1,
  endpointMaxInstances: 3,
  rollbackAlarms: ['app-endpoint-errors', 'app-endpoint-latency'],
};

/** The three definitions as SageMaker would read them. */
export const parsedDefinitions = (changes: Partial<PipelineSettings> = {}) => {
  const { train, model, deploy } = pipelineDefinitions({ ...settings, ...changes });
  const parsed = (definition: PipelineDefinition): Definition =>
    definitionSchema.parse(JSON.parse(JSON.stringify(definition)));
  return { train: parsed(train), model: parsed(model), deploy: parsed(deploy) };
};

/** Every step, those on branches too, in the order in which they may run. */
export const stepsOf = ({ Steps }: Definition): DefinitionStep[] =>
  Steps.flatMap((step) =>
    step.Type === 'Condition' ? [step, ...step.Arguments.IfSteps, ...step.Arguments.ElseSteps] : [step],
  );

/** Every training and processing job. */
export const jobsOf = (definition: Definition) =>
  stepsOf(definition).flatMap((step) =>
    step.Type === 'Training' || step.Type === 'Processing' ? [step] : [],
  );
