import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { create } from 'tar';
import type { z } from 'zod';
import { COMMANDS, MODEL_ARCHIVE, TRAINING_PATHS } from '../../model/contract/sagemaker-jobs.ts';
import { resolvedRequests, type StepOfType } from '../../stacks/learning/pipeline-schema.ts';
import { localArn } from '../aws-double/protocol.ts';
import type { ModelRegistry } from '../aws-double/registry.ts';
import { Container } from './container.ts';
import type { StepOutput } from './definition.ts';
import type { StepContext, StepRunner } from './execution.ts';
import type { LocalS3 } from './local-s3.ts';
import { defaultName, randomLetters } from './record.ts';

type TrainingRequest = z.infer<typeof resolvedRequests.training>;

/** What the steps have in place of AWS. */
interface LocalAws {
  readonly s3: LocalS3;
  readonly registry: ModelRegistry;
  /** Holds a folder per job. */
  readonly jobs: string;
  /** The program that runs the jobs. */
  readonly entryPoint: readonly string[];
  /** Override variables of the jobs' own environment; none are added. */
  readonly overrides: Readonly<Record<string, string>>;
  /** The environment in which a job reaches the local SageMaker; starts it the first time. */
  readonly sageMaker: () => Promise<Readonly<Record<string, string>>>;
}

/** The environment of a definition, as a machine without a GPU needs it. */
const overridden = (
  environment: Readonly<Record<string, string>>,
  overrides: LocalAws['overrides'],
): Record<string, string> =>
  Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, overrides[name] ?? value]));

/**
 * Reports the lines of a job's log, and what they warn of.
 *
 * @param shorten the line as it is shown; undefined when it is not
 */
const logListener =
  ({ report, warn }: StepContext, shorten: (line: string) => string | undefined = (line) => line) =>
  (line: string): void => {
    const [, warning] = /^Warning: (.+)$/.exec(line) ?? [];
    if (warning !== undefined) warn(warning);
    const shown = shorten(line);
    if (shown !== undefined) report(shown);
  };

/** Finds metrics in a job's log, by its definition's patterns, as SageMaker does. */
export class LogMetrics {
  readonly #patterns: readonly { readonly name: string; readonly pattern: RegExp }[];
  readonly #last = new Map<string, number>();

  constructor(definitions: TrainingRequest['AlgorithmSpecification']['MetricDefinitions']) {
    this.#patterns = definitions.map(({ Name, Regex }) => ({ name: Name, pattern: new RegExp(Regex) }));
  }

  /** @returns the line, with the metrics that it holds at its end and in short */
  read(line: string): string {
    let rest = line;
    const found: string[] = [];
    for (const { name, pattern } of this.#patterns) {
      const [match = '', number = ''] = pattern.exec(line) ?? [];
      if (number === '' || Number.isNaN(Number(number))) continue;
      this.#last.set(name, Number(number));
      rest = rest.replace(match, '');
      found.push(`${name} ${Number(number).toFixed(3)}`);
    }
    return [rest.trim(), found.join(', ')].filter((text) => text !== '').join(' ');
  }

  /** The last value of each. */
  get final() {
    return [...this.#last].map(([MetricName, Value]) => ({ MetricName, Value }));
  }
}

const CONFIG = '/opt/ml/input/config';

const writeConfiguration = async (
  container: Container,
  { HyperParameters, InputDataConfig, ResourceConfig }: TrainingRequest,
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

/** Packs the content of the folder, not the folder, as SageMaker does. @returns whether there is any */
const pack = async (folder: string, file: string): Promise<boolean> => {
  const entries = await readdir(folder);
  if (entries.length === 0) return false;
  await mkdir(path.dirname(file), { recursive: true });
  await create({ cwd: folder, file, gzip: true, portable: true }, entries);
  return true;
};

/** Runs a training job, from the channels to the archive of the model. */
const runTraining = async (
  request: unknown,
  context: StepContext,
  { s3, jobs, entryPoint, overrides }: LocalAws,
): Promise<StepOutput> => {
  const { executionId, signal } = context;
  const training = resolvedRequests.training.parse(request);
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

  const metrics = new LogMetrics(training.AlgorithmSpecification.MetricDefinitions);
  await container.run({
    entryPoint,
    parameters: [COMMANDS.train],
    environment: {
      ...overridden(training.Environment, overrides),
      TRAINING_JOB_NAME: name,
      TRAINING_JOB_ARN: arn,
    },
    onLine: logListener(context, (line) => {
      const shown = metrics.read(line);
      // Indented lines belong to the line before, and may be hundreds.
      return line.startsWith(' ') ? undefined : shown;
    }),
    signal,
    seconds: training.StoppingCondition.MaxRuntimeInSeconds,
    reasonFile: TRAINING_PATHS.failure,
  });

  const output = `${training.OutputDataConfig.S3OutputPath}/${name}/output`;
  const S3ModelArtifacts = `${output}/${MODEL_ARCHIVE}`;
  if (!(await pack(container.at(TRAINING_PATHS.model), s3.path(S3ModelArtifacts))))
    throw new Error(`The job ${name} ended before its time: it has left no model.`);
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

type ProcessingStep = StepOfType<'Processing'>;

const NO_OUTPUTS = { Outputs: [] };

/** The file whose content SageMaker shows at a processing job's end. */
const MESSAGE = '/opt/ml/output/message';

const readPropertyFiles = async (
  { Name, PropertyFiles = [] }: ProcessingStep,
  { ProcessingOutputConfig: { Outputs } = NO_OUTPUTS }: z.infer<typeof resolvedRequests.processing>,
  { s3 }: LocalAws,
): Promise<Record<string, unknown>> => {
  const read = PropertyFiles.map(async ({ PropertyFileName, OutputName, FilePath }) => {
    const output = Outputs.find((each) => each.OutputName === OutputName);
    if (!output)
      throw new Error(`The property file ${PropertyFileName} names no output of the step ${Name}.`);
    const file = path.join(s3.path(output.S3Output.S3Uri), FilePath);
    try {
      const content: unknown = JSON.parse(await readFile(file, 'utf8'));
      return [PropertyFileName, content] as const;
    } catch (cause) {
      throw new Error(`The step ${Name} was to write JSON to ${file}. ${String(cause)}`, { cause });
    }
  });
  return Object.fromEntries(await Promise.all(read));
};

/** Runs a processing job, from its inputs to its outputs. Without network isolation it reaches the local SageMaker. */
const runProcessing = async (
  step: ProcessingStep,
  request: unknown,
  context: StepContext,
  local: LocalAws,
): Promise<StepOutput> => {
  const { executionId, signal, report } = context;
  const { s3, jobs, entryPoint, overrides, sageMaker } = local;
  const job = resolvedRequests.processing.parse(request);
  const { Outputs } = job.ProcessingOutputConfig ?? NO_OUTPUTS;
  const name = defaultName(executionId, step.Name);
  const container = new Container(jobs, name);
  await container.writeJson('/opt/ml/config/processingjobconfig.json', { ProcessingJobName: name, ...job });
  for (const { InputName, S3Input } of job.ProcessingInputs ?? [])
    await container.provide(s3, S3Input.S3Uri, S3Input.LocalPath, `The input ${InputName}`);
  await container.mkdir(...Outputs.map(({ S3Output }) => S3Output.LocalPath));
  const aws = job.NetworkConfig?.EnableNetworkIsolation ? {} : await sageMaker();
  await container.run({
    entryPoint,
    parameters: job.AppSpecification.ContainerArguments,
    environment: { ...aws, ...overridden(job.Environment ?? {}, overrides) },
    onLine: logListener(context),
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
    properties: {
      ProcessingJobName: name,
      ProcessingJobArn: localArn(`processing-job/${name.toLowerCase()}`),
      ProcessingJobStatus: 'Completed',
      ...(ExitMessage !== undefined && { ExitMessage }),
      ProcessingOutputConfig: {
        Outputs: Object.fromEntries(Outputs.map((output) => [output.OutputName, output])),
      },
    },
    propertyFiles: await readPropertyFiles(step, job, local),
  };
};

/** @throws Error when there is nothing at the URI */
const requireObject = async ({ s3 }: LocalAws, uri: string, what: string): Promise<void> => {
  if (!(await s3.has(uri))) throw new Error(`${what} is not in S3 at ${uri} (here: ${s3.path(uri)}).`);
};

/** Makes a SageMaker model of an archive. */
const runModel = async (
  stepName: string,
  request: unknown,
  { executionId, report }: StepContext,
  local: LocalAws,
): Promise<StepOutput> => {
  const model = resolvedRequests.model.parse(request);
  await requireObject(local, model.PrimaryContainer.ModelDataUrl, "The model's archive");
  const name = defaultName(executionId, stepName);
  const { ModelArn } = local.registry.createModel({ ModelName: name, ...model });
  report(name);
  return { properties: { ModelName: name, ModelArn }, propertyFiles: {} };
};

/** Adds a version to a group of model packages. */
const runRegisterModel = async (
  request: unknown,
  { report }: StepContext,
  local: LocalAws,
): Promise<StepOutput> => {
  const { ModelPackageGroupName, ...description } = resolvedRequests.modelPackage.parse(request);
  const { S3Uri } = description.ModelMetrics.ModelQuality.Statistics;
  for (const { ModelDataUrl } of description.InferenceSpecification.Containers)
    await requireObject(local, ModelDataUrl, "The model's archive");
  await requireObject(local, S3Uri, "The model's measurements");
  const { registry, s3 } = local;
  const ModelPackageArn = registry.register(ModelPackageGroupName, description, s3.path(S3Uri));
  const version = ModelPackageArn.slice(ModelPackageArn.lastIndexOf('/') + 1);
  report(`version ${version} of ${ModelPackageGroupName}, ${description.ModelApprovalStatus}`);
  return {
    properties: { ModelPackageArn, ModelApprovalStatus: description.ModelApprovalStatus },
    propertyFiles: {},
  };
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
        return runModel(step.Name, request, context, local);
      case 'RegisterModel':
        return runRegisterModel(request, context, local);
    }
  };
