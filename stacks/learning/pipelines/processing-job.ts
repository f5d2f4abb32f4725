import { parameter } from './parameters.ts';
import type { ProcessingArguments } from './requests.ts';
import type { PipelineSettings } from './settings.ts';
import type { PipelineVariable } from './variables.ts';

const VOLUME_GB = 30;

/** The arguments that our processing jobs share: the learning image, told what to do, on one machine. */
export const processingJob = (
  { processingInstanceType }: PipelineSettings,
  { command, minutes }: { readonly command: string; readonly minutes: number },
) =>
  ({
    // The image's own entry point stays: training jobs have no other either.
    AppSpecification: { ImageUri: parameter('TrainingImage'), ContainerArguments: [command] },
    ProcessingResources: {
      ClusterConfig: {
        InstanceType: processingInstanceType,
        InstanceCount: 1,
        VolumeSizeInGB: VOLUME_GB,
      },
    },
    StoppingCondition: { MaxRuntimeInSeconds: minutes * 60 },
  }) satisfies Omit<ProcessingArguments, 'RoleArn'>;

/** Objects of S3 that lie in a folder of the container when the job starts. */
export const processingInput = (name: string, folder: string, uri: PipelineVariable) => ({
  InputName: name,
  S3Input: {
    S3Uri: uri,
    LocalPath: folder,
    S3DataType: 'S3Prefix' as const,
    S3InputMode: 'File' as const,
    S3DataDistributionType: 'FullyReplicated' as const,
  },
});
