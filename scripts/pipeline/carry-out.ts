import { TRAINING_ENVIRONMENT } from '../../model/contract/sagemaker-jobs.ts';
import { Execution } from './execution/execution.ts';
import type { ExecutionRecord, Plan } from './execution/record.ts';
import type { StepState } from './execution/step-state.ts';
import { namingOf, withNaming } from './given-places.ts';
import { ENTRY_POINT } from './jobs/container.ts';
import { LocalEndpoints } from './local-sagemaker.ts';
import { localRunner } from './steps/runner.ts';
import { localArn } from './storage/arn.ts';
import { introduction } from './view/introduction.ts';
import { liveView, plainView } from './view/view.ts';
import type { Workspace } from './workspace.ts';

/** Waiting for a machine takes minutes on AWS, and nothing here. */
const TIME_SCALE = 0.01;

/** What the definition asks for and this machine may not have. */
const OVERRIDES = { [TRAINING_ENVIRONMENT.requireGpu]: 'false' };

export interface RunOptions {
  /** Steps that run side by side. */
  readonly parallel: number;
  readonly signal: AbortSignal;
  readonly out: NodeJS.WriteStream;
}

/** An execution whose definition was read. */
export type Planned = ExecutionRecord & { readonly plan: Plan };

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
export const carryOut = async (
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
