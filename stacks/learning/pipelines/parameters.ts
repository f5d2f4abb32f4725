import { FOLDERS, source } from './locations.ts';
import type { PipelineSettings } from './settings.ts';

type ParameterOf<Name extends string, Type extends 'String' | 'Integer' | 'Float'> = {
  readonly Name: Name;
  readonly Type: Type;
  readonly DefaultValue: Type extends 'String' ? string : number;
};

export type Parameter =
  | ParameterOf<'TrainData' | 'TestData' | 'InitialModel' | 'Pretrained' | 'TrainingImage', 'String'>
  | ParameterOf<'Epoch' | 'BatchSize', 'Integer'>
  | ParameterOf<'LearningRate' | 'MinAccuracy', 'Float'>;

/** A value that the person who starts the pipeline may choose. */
export const parameter = (name: Parameter['Name']) => ({ Get: `Parameters.${name}` as const });

/**
 * Parameters of every pipeline; all have defaults. Those of S3 are prefixes and end in a slash:
 *
 * - `TrainData`, `TestData`: `<prefix>/<class>/<photo>`. The test photos are never trained on. By default no test
 *   photos are given, and the training holds back a tenth of each class of TrainData, chosen by content hash, and
 *   writes down which; it does the same when TestData is TrainData itself. Photos that lie in both are only tested on.
 * - `InitialModel`: holds the model.tar.gz of an earlier training, to start from; by default, from scratch.
 * - `Pretrained`: a pretrained TensorFlow.js model (`model.json` and weights), graph or layers format: the frozen
 *   backbone under a small head, which alone is trained (transfer learning). The defaults of Epoch, BatchSize and
 *   LearningRate are for it. By default, what lies in the folder for it: until somebody puts a network there, none, and
 *   trainings start from random weights.
 * - `TrainingImage`: runs every job of the execution, so that the code that evaluates a model is the code that
 *   trained it.
 */
export const trainingParameters = ({ datasetBucket, trainingImage }: PipelineSettings): Parameter[] => {
  const nothing = source(datasetBucket, FOLDERS.nothing);
  return [
    { Name: 'TrainData', Type: 'String', DefaultValue: source(datasetBucket, FOLDERS.photos) },
    { Name: 'TestData', Type: 'String', DefaultValue: nothing },
    { Name: 'Epoch', Type: 'Integer', DefaultValue: 10 },
    { Name: 'BatchSize', Type: 'Integer', DefaultValue: 16 },
    { Name: 'LearningRate', Type: 'Float', DefaultValue: 0.0001 },
    { Name: 'TrainingImage', Type: 'String', DefaultValue: trainingImage },
    { Name: 'InitialModel', Type: 'String', DefaultValue: nothing },
    { Name: 'Pretrained', Type: 'String', DefaultValue: source(datasetBucket, FOLDERS.pretrained) },
  ];
};

/** Only where a model may be deployed: the accuracy, 0 to 1, that it must reach. */
export const deployParameters = ({ minAccuracy }: PipelineSettings): Parameter[] => [
  { Name: 'MinAccuracy', Type: 'Float', DefaultValue: minAccuracy },
];
