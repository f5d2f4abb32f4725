import path from 'node:path';
import { TRAINING_ENVIRONMENT } from '../../model/contract/sagemaker-jobs.ts';
import { localArn } from '../aws-double/protocol.ts';
import type { CommandLine } from './command-line.ts';
import { ENTRY_POINT } from './container.ts';
import { definitionFromFile, definitionFromTerraform } from './definition.ts';
import { Execution, type StepState } from './execution.ts';
import { checkGivenFile, localDefaults, namingOf, parameterValues, withNaming } from './inputs.ts';
import { LocalEndpoints } from './local-endpoint.ts';
import { type ExecutionRecord, executionId, type Plan } from './record.ts';
import { localRunner } from './steps.ts';
import { introduction, liveView, plainView } from './view.ts';
import { lockFolder, Workspace } from './workspace.ts';

/**
 * Puts a new execution on record, before anything is made of it: it can be gone on with even if it ends at once.
 *
 * @throws Error when a file or folder is not what its option takes
 */
const begin = async (
  { pipeline, definition, values, files }: CommandLine,
  { records }: Workspace,
): Promise<ExecutionRecord> => {
  const given = [...files].map(([parameter, place]) => [parameter, path.resolve(place)] as const);
  for (const [parameter, place] of given) await checkGivenFile(parameter, place);
  const record: ExecutionRecord = {
    id: executionId(),
    startedAt: new Date().toISOString(),
    status: 'Executing',
    resumable: true,
    asked: {
      pipeline,
      ...(definition !== undefined && { definition: path.resolve(definition) }),
      values: Object.fromEntries(values),
      files: Object.fromEntries(given),
    },
    outputs: {},
  };
  await records.save(record);
  return record;
};

interface PlanOptions {
  readonly workspace: Workspace;
  /** Aborted, it ends the making of the Terraform. */
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** @throws Error when the definition cannot be read, or has not the parameters that were given */
const planOf = async (
  { id, asked }: Pick<ExecutionRecord, 'id' | 'asked'>,
  { workspace, signal, say }: PlanOptions,
): Promise<Plan> => {
  const given = new Map(Object.entries(asked.values));
  for (const [parameter, place] of Object.entries(asked.files))
    given.set(parameter, await workspace.provide(id, parameter, place));
  if (asked.definition === undefined) say("Reading the pipeline's definition out of the Terraform.");
  const { pipeline, definition } =
    asked.definition === undefined
      ? await definitionFromTerraform(asked.pipeline, workspace.synthFolder(id), signal)
      : await definitionFromFile(asked.definition);
  for (const { name, value, reason } of localDefaults(definition, new Set(given.keys()))) {
    given.set(name, value);
    say(`${name} is ${value} here, ${reason}.`);
  }
  return { pipeline, definition, parameters: Object.fromEntries(parameterValues(definition, given)) };
};

/** Waiting for a machine takes minutes on AWS, and nothing here. */
const TIME_SCALE = 0.01;

/** What the definition asks for and this machine may not have. */
const OVERRIDES = { [TRAINING_ENVIRONMENT.requireGpu]: 'false' };

interface RunOptions {
  /** Steps that run side by side. */
  readonly parallel: number;
  readonly signal: AbortSignal;
  readonly out: NodeJS.WriteStream;
}

/** An execution whose definition was read. */
type Planned = ExecutionRecord & { readonly plan: Plan };

/** How a pipeline ended. */
export interface Ended {
  readonly status: 'Succeeded' | 'Failed' | 'Stopped';
  /** Whether it makes sense to go on with it. */
  readonly resumable: boolean;
  readonly states: readonly StepState[];
  /** The archives of what was trained. */
  readonly models: readonly string[];
  /** Their model cards. */
  readonly reports: readonly string[];
  readonly deployed: Awaited<ReturnType<LocalEndpoints['deployed']>>;
}

/** A pipeline's own decision, which would be the same again. */
const isRefused = (states: readonly StepState[]): boolean =>
  states.some(({ type, status }) => type === 'Fail' && status === 'Failed');

/** Carries an execution's plan out, and shows how it goes. */
const carryOut = async (
  record: Planned,
  workspace: Workspace,
  { parallel, signal, out }: RunOptions,
): Promise<Ended> => {
  const { id, plan } = record;
  const write = (line: string): void => void out.write(`${line}\n`);
  const named = await namingOf(record);
  const parameters = new Map(Object.entries(plan.parameters));
  await workspace.provideNotes(parameters.values());
  for (const line of introduction(record, workspace.folder, named)) write(line);

  const endpoints = new LocalEndpoints(workspace);
  const { s3, registry, jobs } = workspace;
  const save = (end: Pick<ExecutionRecord, 'status' | 'resumable'>) =>
    workspace.records.save({ ...record, ...end, outputs: Object.fromEntries(execution.outputs) });
  const run = localRunner({
    s3,
    registry,
    jobs,
    entryPoint: ENTRY_POINT,
    overrides: OVERRIDES,
    sageMaker: () => endpoints.environment(),
  });
  const execution = new Execution({
    id,
    arn: localArn(`pipeline/${plan.pipeline.toLowerCase()}/execution/${id}`),
    definition: plan.definition,
    parameters,
    run: withNaming(run, named),
    earlier: new Map(Object.entries(record.outputs)),
    parallel,
    timeScale: TIME_SCALE,
    signal,
    onChange: (state) => {
      view.changed(state);
      if (state.endedAt !== undefined) void save({ status: 'Executing', resumable: true });
    },
  });
  const view = out.isTTY ? liveView(out, () => execution.states) : plainView(write);
  const notice = () => view.notice('Stopping. A training writes a checkpoint first.');
  signal.addEventListener('abort', notice);
  try {
    await save({ status: 'Executing', resumable: true });
    await execution.run();
    const { status, states, outputs } = execution;
    const kept = outputs.size > 0 || (await workspace.hasCheckpoint(id));
    const resumable = status === 'Stopped' || (status === 'Failed' && kept && !isRefused(states));
    await save({ status, resumable });
    return {
      status,
      resumable,
      states,
      models: workspace.models(outputs),
      reports: await workspace.reports(outputs),
      deployed: await endpoints.deployed(),
    };
  } finally {
    view.close();
    await endpoints.stop();
  }
};

interface PipelineOptions {
  readonly commandLine: CommandLine;
  readonly signal: AbortSignal;
  readonly out: NodeJS.WriteStream;
}

const STOPPED: Ended = {
  status: 'Stopped',
  resumable: true,
  states: [],
  models: [],
  reports: [],
  deployed: undefined,
};

/** @returns nothing when it was stopped meanwhile */
const prepare = async (
  record: ExecutionRecord,
  workspace: Workspace,
  { signal, out }: PipelineOptions,
): Promise<Planned | undefined> => {
  const { plan } = record;
  if (plan) return { ...record, plan };
  try {
    const made = await planOf(record, { workspace, signal, say: (line) => void out.write(`${line}\n`) });
    await workspace.clean(record.id);
    return { ...record, plan: made };
  } catch (error) {
    if (signal.aborted) {
      await workspace.records.save({ ...record, status: 'Stopped' });
      return undefined;
    }
    // It would fail alike again, and must not be in the way of an earlier one that can be gone on with.
    await workspace.drop(record.id);
    throw error;
  }
};

/**
 * Runs a pipeline, or goes on with the last one that can be gone on with, and shows how it goes.
 *
 * @throws Error when it cannot be begun
 */
export const runPipeline = async (options: PipelineOptions): Promise<Ended> => {
  const { commandLine, signal, out } = options;
  const workspace = new Workspace();
  const release = await lockFolder(workspace.folder);
  try {
    const record = commandLine.resume
      ? await workspace.records.unfinished()
      : await begin(commandLine, workspace);
    const planned = await prepare(record, workspace, options);
    if (!planned) return STOPPED;
    return await carryOut(planned, workspace, { parallel: commandLine.parallel, signal, out });
  } finally {
    await release();
  }
};
