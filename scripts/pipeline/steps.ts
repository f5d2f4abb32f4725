import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { create } from 'tar';
import type { z } from 'zod';
import {
  COMMANDS,
  MODEL_ARCHIVE,
  TRAINING_ENVIRONMENT,
  TRAINING_PATHS,
} from '../../model/contract/sagemaker-jobs.ts';
import { resolvedRequests, type StepOfType } from '../../stacks/learning/pipeline-schema.ts';
import { localArn } from '../aws-double/protocol.ts';
import type { ModelRegistry } from '../aws-double/registry.ts';
import { Container } from './container.ts';
import type { StepOutput } from './definition.ts';
import type { StepContext, StepRunner } from './execution.ts';
import type { LocalS3 } from './local-s3.ts';
import { defaultName, randomLetters } from './record.ts';

type TrainingRequest = z.infer<typeof resolvedRequests.training>;
type ProcessingRequest = z.infer<typeof resolvedRequests.processing>;

/** What replaces AWS on this machine. */
interface LocalAws {
  readonly s3: LocalS3;
  readonly registry: ModelRegistry;
  /** Folder of all jobs' folders. */
  readonly jobs: string;
  /** The program that runs the jobs. */
  readonly entryPoint: readonly string[];
  /** Environment variables that point a job to the local SageMaker, which the first call starts. */
  readonly sageMaker: () => Promise<Readonly<Record<string, string>>>;
}

/** A definition's environment, adapted to a machine without a GPU. */
const withoutGpu = (environment: Readonly<Record<string, string>> = {}): Record<string, string> =>
  TRAINING_ENVIRONMENT.requireGpu in environment
    ? { ...environment, [TRAINING_ENVIRONMENT.requireGpu]: 'false' }
    : { ...environment };

/** Reports a line of a job's log, and its warning if there is one. */
const logLine = ({ report, warn }: StepContext, line: string, shown = line): void => {
  const [, warning] = /^Warning: (.+)$/.exec(line) ?? [];
  if (warning !== undefined) warn(warning);
  report(shown);
};

/**
 * Extracts metrics from a line of a job's log by its definition's patterns, as SageMaker does.
 *
 * @param last the latest value of each metric, which is updated
 * @returns the line, with its metrics abbreviated and at the end
 */
const readMetrics = (
  line: string,
  definitions: TrainingRequest['AlgorithmSpecification']['MetricDefinitions'],
  last: Map<string, number>,
): string => {
  let rest = line;
  const found: string[] = [];
  for (const { Name, Regex } of definitions) {
    const [match = '', number = ''] = new RegExp(Regex).exec(line) ?? [];
    if (number === '' || Number.isNaN(Number(number))) continue;
    last.set(Name, Number(number));
    rest = rest.replace(match, '');
    found.push(`${Name} ${Number(number).toFixed(3)}`);
  }
  return `${rest.trim()} ${found.join(', ')}`.trim();
};

/** Packs the content of a folder, as SageMaker does. @returns whether there is any */
const pack = async (folder: string, file: string): Promise<boolean> => {
  const entries = await readdir(folder);
  if (entries.length === 0) return false;
  await mkdir(path.dirname(file), { recursive: true });
  await create({ cwd: folder, file, gzip: true, portable: true }, entries);
  return true;
};

/** Runs a training job, from its channels to the model archive. */
const runTraining = async (
  request: unknown,
  context: StepContext,
  { s3, jobs, entryPoint }: LocalAws,
): Promise<StepOutput> => {
  const { executionId, signal } = context;
  const training = resolvedRequests.training.parse(request);
  const name = `${training.TrainingJobName}-${executionId}-${randomLetters(10)}`;
  const container = new Container(jobs, name);
  const TrainingJobArn = localArn(`training-job/${name}`);
  await container.writeJson(TRAINING_PATHS.hyperparameters, training.HyperParameters);
  await container.mkdir(TRAINING_PATHS.channels, TRAINING_PATHS.model, TRAINING_PATHS.output);
  for (const { ChannelName, DataSource } of training.InputDataConfig) {
    const { S3Uri } = DataSource.S3DataSource;
    const channel = `${TRAINING_PATHS.channels}/${ChannelName}`;
    await container.provide(s3, S3Uri, channel, `The channel ${ChannelName}`);
  }
  await container.share(s3, training.CheckpointConfig.S3Uri, training.CheckpointConfig.LocalPath);

  const metrics = new Map<string, number>();
  await container.run({
    command: [...entryPoint, COMMANDS.train],
    environment: {
      ...withoutGpu(training.Environment),
      TRAINING_JOB_NAME: name,
      TRAINING_JOB_ARN: TrainingJobArn,
    },
    onLine: (line) => {
      const shown = readMetrics(line, training.AlgorithmSpecification.MetricDefinitions, metrics);
      // Indented lines continue the line before, and there may be hundreds.
      if (!line.startsWith(' ')) logLine(context, line, shown);
    },
    signal,
    seconds: training.StoppingCondition.MaxRuntimeInSeconds,
    reasonFile: TRAINING_PATHS.failure,
  });

  const output = `${training.OutputDataConfig.S3OutputPath}/${name}/output`;
  const S3ModelArtifacts = `${output}/${MODEL_ARCHIVE}`;
  if (!(await pack(container.at(TRAINING_PATHS.model), s3.path(S3ModelArtifacts))))
    throw new Error(`The job ${name} ended early, without a model.`);
  await pack(container.at(TRAINING_PATHS.output), s3.path(`${output}/output.tar.gz`));
  return {
    TrainingJobName: name,
    TrainingJobArn,
    TrainingJobStatus: 'Completed',
    ModelArtifacts: { S3ModelArtifacts },
    FinalMetricDataList: [...metrics].map(([MetricName, Value]) => ({ MetricName, Value })),
  };
};

type ProcessingStep = StepOfType<'Processing'>;

/** SageMaker shows this file's content when a processing job ends. */
const MESSAGE = '/opt/ml/output/message';

const readPropertyFiles = async (
  { Name, PropertyFiles = [] }: ProcessingStep,
  outputs: NonNullable<ProcessingRequest['ProcessingOutputConfig']>['Outputs'],
  s3: LocalS3,
): Promise<Record<string, unknown>> => {
  const contents: Record<string, unknown> = {};
  for (const { PropertyFileName, OutputName, FilePath } of PropertyFiles) {
    const prefix = outputs.find((each) => each.OutputName === OutputName)?.S3Output.S3Uri;
    if (prefix === undefined) throw new Error(`The step ${Name} has no output ${OutputName}.`);
    const file = path.join(s3.path(prefix), FilePath);
    try {
      contents[PropertyFileName] = JSON.parse(await readFile(file, 'utf8'));
    } catch (cause) {
      throw new Error(`The step ${Name} should have written JSON to ${file}. ${String(cause)}`, { cause });
    }
  }
  return contents;
};

/** Runs a processing job, from its inputs to its outputs. Without network isolation it can call the local SageMaker. */
const runProcessing = async (
  step: ProcessingStep,
  request: unknown,
  context: StepContext,
  local: LocalAws,
): Promise<StepOutput> => {
  const { executionId, signal, report } = context;
  const { s3, jobs, entryPoint, sageMaker } = local;
  const job = resolvedRequests.processing.parse(request);
  const { Outputs = [] } = job.ProcessingOutputConfig ?? {};
  const name = defaultName(executionId, step.Name);
  const container = new Container(jobs, name);
  await container.mkdir('/');
  for (const { InputName, S3Input } of job.ProcessingInputs ?? [])
    await container.provide(s3, S3Input.S3Uri, S3Input.LocalPath, `The input ${InputName}`);
  await container.mkdir(...Outputs.map(({ S3Output }) => S3Output.LocalPath));
  const aws = job.NetworkConfig?.EnableNetworkIsolation ? {} : await sageMaker();
  await container.run({
    command: [...entryPoint, ...job.AppSpecification.ContainerArguments],
    environment: { ...aws, ...withoutGpu(job.Environment) },
    onLine: (line) => logLine(context, line),
    signal,
    seconds: job.StoppingCondition.MaxRuntimeInSeconds,
    reasonFile: MESSAGE,
  });
  for (const { S3Output } of Outputs) {
    const target = s3.path(S3Output.S3Uri);
    await mkdir(target, { recursive: true });
    await cp(container.at(S3Output.LocalPath), target, { recursive: true });
  }
  const ExitMessage = await container.read(MESSAGE);
  if (ExitMessage !== undefined) report(ExitMessage);
  return {
    ProcessingJobName: name,
    ProcessingJobArn: localArn(`processing-job/${name.toLowerCase()}`),
    ProcessingJobStatus: 'Completed',
    ...(ExitMessage !== undefined && { ExitMessage }),
    ProcessingOutputConfig: { Outputs },
    PropertyFiles: await readPropertyFiles(step, Outputs, s3),
  };
};

/** Creates a SageMaker model from an archive. */
const runModel = async (
  request: unknown,
  stepName: string,
  { executionId, report }: StepContext,
  local: LocalAws,
): Promise<StepOutput> => {
  const model = resolvedRequests.model.parse(request);
  const ModelName = defaultName(executionId, stepName);
  const { ModelArn } = local.registry.createModel({ ModelName, ...model });
  report(ModelName);
  return { ModelName, ModelArn };
};

/** Adds a version to a model package group. */
const runRegisterModel = async (
  request: unknown,
  { report }: StepContext,
  local: LocalAws,
): Promise<StepOutput> => {
  const { ModelPackageGroupName, ...description } = resolvedRequests.modelPackage.parse(request);
  const { ModelApprovalStatus, ModelMetrics } = description;
  const { S3Uri } = ModelMetrics.ModelQuality.Statistics;
  const ModelPackageArn = local.registry.register(ModelPackageGroupName, description, local.s3.path(S3Uri));
  const version = ModelPackageArn.slice(ModelPackageArn.lastIndexOf('/') + 1);
  report(`version ${version} of ${ModelPackageGroupName}, ${ModelApprovalStatus}`);
  return { ModelPackageArn, ModelApprovalStatus };
};

/** Runs steps on this machine. */
export const localRunner =
  (local: LocalAws): StepRunner =>
  (step, request, context) => {
    switch (step.Type) {
      case 'Training':
        return runTraining(request, context, local);
      case 'Processing':
        return runProcessing(step, request, context, local);
      case 'Model':
        return runModel(request, step.Name, context, local);
      case 'RegisterModel':
        return runRegisterModel(request, context, local);
    }
  };
