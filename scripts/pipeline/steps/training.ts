import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { create } from 'tar';
import { z } from 'zod';
import { COMMANDS, MODEL_ARCHIVE, TRAINING_PATHS } from '../../../model/contract/sagemaker-jobs.ts';
import type { StepOutput } from '../definition/variables.ts';
import { StepFailure } from '../execution/failure.ts';
import type { StepContext } from '../execution/step-runner.ts';
import { Container } from '../jobs/container.ts';
import { localArn } from '../storage/arn.ts';
import { randomLetters } from '../storage/names.ts';
import { type LocalAws, overridden } from './environment.ts';
import { Metrics } from './metrics.ts';
import { warningIn } from './warning.ts';

/** The part of CreateTrainingJob that means something on this machine. */
const requestSchema = z.object({
  TrainingJobName: z.string(),
  AlgorithmSpecification: z.object({
    MetricDefinitions: z.array(z.object({ Name: z.string(), Regex: z.string() })),
  }),
  HyperParameters: z.record(z.string(), z.string()),
  InputDataConfig: z.array(
    z.object({
      ChannelName: z.string(),
      DataSource: z.object({ S3DataSource: z.object({ S3Uri: z.string() }) }),
    }),
  ),
  OutputDataConfig: z.object({ S3OutputPath: z.string() }),
  CheckpointConfig: z.object({ S3Uri: z.string(), LocalPath: z.string() }),
  ResourceConfig: z.object({ InstanceType: z.string() }),
  StoppingCondition: z.object({ MaxRuntimeInSeconds: z.number() }),
  Environment: z.record(z.string(), z.string()),
});

type Request = z.infer<typeof requestSchema>;

const CONFIG = '/opt/ml/input/config';

const writeConfiguration = async (
  container: Container,
  { HyperParameters, InputDataConfig, ResourceConfig }: Request,
): Promise<void> => {
  await container.writeJson(TRAINING_PATHS.hyperparameters, HyperParameters);
  const channels = InputDataConfig.map(({ ChannelName }) => [
    ChannelName,
    { TrainingInputMode: 'File', S3DistributionType: 'FullyReplicated', RecordWrapperType: 'None' },
  ]);
  await container.writeJson(`${CONFIG}/inputdataconfig.json`, Object.fromEntries(channels));
  await container.writeJson(`${CONFIG}/resourceconfig.json`, {
    current_host: 'algo-1',
    current_instance_type: ResourceConfig.InstanceType,
    hosts: ['algo-1'],
  });
};

/** SageMaker packs what lies in the folder, and not the folder. */
const pack = async (folder: string, file: string): Promise<boolean> => {
  const entries = await readdir(folder);
  if (entries.length === 0) return false;
  await mkdir(path.dirname(file), { recursive: true });
  await create({ cwd: folder, file, gzip: true, portable: true }, entries);
  return true;
};

/** Runs a training job, from the channels to the archive of the model. */
export const runTraining = async (
  request: unknown,
  { executionId, signal, report, warn }: StepContext,
  { s3, jobs, entryPoint, overrides }: LocalAws,
): Promise<StepOutput> => {
  const training = requestSchema.parse(request);
  const name = `${training.TrainingJobName}-${executionId}-${randomLetters(10)}`;
  const container = new Container(jobs, name);
  const arn = localArn(`training-job/${name}`);
  await writeConfiguration(container, training);
  await container.mkdir(TRAINING_PATHS.channels, TRAINING_PATHS.model, TRAINING_PATHS.output);
  for (const { ChannelName, DataSource } of training.InputDataConfig) {
    const { S3Uri } = DataSource.S3DataSource;
    const channel = `${TRAINING_PATHS.channels}/${ChannelName}`;
    await container.provide(s3, S3Uri, channel, `The channel ${ChannelName}`);
  }
  await container.share(s3, training.CheckpointConfig.S3Uri, training.CheckpointConfig.LocalPath);

  const metrics = new Metrics(training.AlgorithmSpecification.MetricDefinitions);
  await container.run({
    entryPoint,
    parameters: [COMMANDS.train],
    environment: {
      ...overridden(training.Environment, overrides),
      TRAINING_JOB_NAME: name,
      TRAINING_JOB_ARN: arn,
    },
    onLine: (line) => {
      const warning = warningIn(line);
      if (warning !== undefined) warn(warning);
      const told = metrics.read(line);
      // What is set in belongs to the line before, and may be hundreds.
      if (!line.startsWith(' ')) report(told);
    },
    signal,
    seconds: training.StoppingCondition.MaxRuntimeInSeconds,
    reasonFile: TRAINING_PATHS.failure,
  });

  const output = `${training.OutputDataConfig.S3OutputPath}/${name}/output`;
  const S3ModelArtifacts = `${output}/${MODEL_ARCHIVE}`;
  if (!(await pack(container.at(TRAINING_PATHS.model), s3.path(S3ModelArtifacts))))
    throw new StepFailure(`The job ${name} ended before its time: it has left no model.`, {
      exception: 'SageMaker.JOB_INTERNAL_ERROR',
    });
  await pack(container.at(TRAINING_PATHS.output), s3.path(`${output}/output.tar.gz`));
  return {
    properties: {
      TrainingJobName: name,
      TrainingJobArn: arn,
      TrainingJobStatus: 'Completed',
      ModelArtifacts: { S3ModelArtifacts },
      FinalMetricDataList: metrics.final,
    },
    propertyFiles: {},
  };
};
