import { checkAccuracyStep } from './check-accuracy-step.ts';
import { createModelStep } from './create-model-step.ts';
import { evaluateStep } from './evaluate-step.ts';
import { deployParameters, type Parameter, trainingParameters } from './parameters.ts';
import type { PipelineSettings } from './settings.ts';
import type { Step } from './steps.ts';
import { trainStep } from './train-step.ts';

/** What `CreatePipeline` takes, as JSON, in `PipelineDefinition`. */
export interface PipelineDefinition {
  readonly Version: '2020-12-01';
  readonly Metadata: Readonly<Record<string, string>>;
  readonly Parameters: readonly Parameter[];
  readonly Steps: readonly Step[];
}

const definition = (parameters: readonly Parameter[], ...steps: readonly Step[]): PipelineDefinition => ({
  Version: '2020-12-01',
  Metadata: {},
  Parameters: parameters,
  Steps: steps,
});

/**
 * The three SageMaker pipelines, each of which does more than the one before: train; also make a SageMaker model of it;
 * also measure it and, if it is good enough, register it and put it on the endpoint.
 */
export const pipelineDefinitions = (settings: PipelineSettings) => {
  const parameters = trainingParameters(settings);
  const train = trainStep(settings);
  return {
    train: definition(parameters, train),
    model: definition(parameters, train, createModelStep(settings)),
    deploy: definition(
      [...parameters, ...deployParameters(settings)],
      train,
      evaluateStep(settings),
      checkAccuracyStep(settings),
    ),
  };
};
