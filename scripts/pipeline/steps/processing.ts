import { cp, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';
import { resolvedRequests, type StepOfType } from '../../../stacks/learning/pipeline-schema.ts';
import { localArn } from '../../aws-double/protocol.ts';
import type { StepOutput } from '../definition/variables.ts';
import { StepFailure } from '../execution/failure.ts';
import type { StepContext } from '../execution/step-runner.ts';
import { Container } from '../jobs/container.ts';
import { nameOf } from '../storage/names.ts';
import { type LocalAws, overridden } from './environment.ts';
import { warningIn } from './warning.ts';

type ProcessingStep = StepOfType<'Processing'>;

type Request = z.infer<typeof resolvedRequests.processing>;

const NO_OUTPUTS = { Outputs: [] };

/** What SageMaker shows of a processing job's end. */
const MESSAGE = '/opt/ml/output/message';

const readPropertyFiles = async (
  { Name, PropertyFiles = [] }: ProcessingStep,
  { ProcessingOutputConfig: { Outputs } = NO_OUTPUTS }: Request,
  { s3 }: LocalAws,
): Promise<Record<string, unknown>> => {
  const read = PropertyFiles.map(async ({ PropertyFileName, OutputName, FilePath }) => {
    const output = Outputs.find((each) => each.OutputName === OutputName);
    if (!output)
      throw new StepFailure(`The property file ${PropertyFileName} names no output of the step ${Name}.`);
    const file = path.join(s3.path(output.S3Output.S3Uri), FilePath);
    try {
      const content: unknown = JSON.parse(await readFile(file, 'utf8'));
      return [PropertyFileName, content] as const;
    } catch (cause) {
      throw new StepFailure(`The step ${Name} was to write JSON to ${file}. ${String(cause)}`, { cause });
    }
  });
  return Object.fromEntries(await Promise.all(read));
};

/** Runs a processing job, from its inputs to its outputs. Without network isolation it reaches the local SageMaker. */
export const runProcessing = async (
  step: ProcessingStep,
  request: unknown,
  { executionId, signal, report, warn }: StepContext,
  local: LocalAws,
): Promise<StepOutput> => {
  const { s3, jobs, entryPoint, overrides, sageMaker } = local;
  const job = resolvedRequests.processing.parse(request);
  const { Outputs } = job.ProcessingOutputConfig ?? NO_OUTPUTS;
  const name = nameOf(executionId, step.Name);
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
    onLine: (line) => {
      const warning = warningIn(line);
      if (warning !== undefined) warn(warning);
      report(line);
    },
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
