import path from 'node:path';
import { TRAINING_ENVIRONMENT } from '../../model/contract/sagemaker-jobs.ts';
import { localArn } from '../aws-double/protocol.ts';
import { takeLock } from '../shared/lock.ts';
import { ENTRY_POINT } from './container.ts';
import { Execution, type StepState } from './execution.ts';
import { checkInput, localDefaults, parameterValues } from './inputs.ts';
import { LocalEndpoints } from './local-endpoint.ts';
import { type ExecutionRecord, executionId, type PipelineRequest, type Plan } from './record.ts';
import { localRunner } from './steps.ts';
import { introduction, type PipelineResult, stepLog, summary } from './view.ts';
import { Workspace } from './workspace.ts';

/** What the definition asks for and this machine may not have. */
const OVERRIDES = { [TRAINING_ENVIRONMENT.requireGpu]: 'false' };

interface RunPipelineOptions {
  /** Undefined: the last execution that can be resumed. */
  readonly request: PipelineRequest | undefined;
  /** Steps that run side by side. */
  readonly parallel: number;
  readonly signal: AbortSignal;
  readonly write: (line: string) => void;
}

/**
 * Puts a new execution on record before anything is done for it, so that it can be resumed even if it ends at once.
 *
 * @throws Error when a file or folder is not what its option takes
 */
const start = async (request: PipelineRequest, { records }: Workspace): Promise<ExecutionRecord> => {
  const { definition } = request;
  const files: Record<string, string> = {};
  for (const [parameter, place] of Object.entries(request.files)) {
    files[parameter] = path.resolve(place);
    await checkInput(parameter, path.resolve(place));
  }
  const record: ExecutionRecord = {
    id: executionId(),
    startedAt: new Date().toISOString(),
    status: 'Executing',
    resumable: true,
    asked: { ...request, ...(definition !== undefined && { definition: path.resolve(definition) }), files },
    outputs: {},
  };
  await records.save(record);
  return record;
};

/** @throws Error when the definition cannot be read, or does not have the parameters that were given */
const createPlan = async (
  { id, asked }: ExecutionRecord,
  workspace: Workspace,
  write: RunPipelineOptions['write'],
): Promise<Plan> => {
  const given = new Map(Object.entries(asked.values));
  for (const [parameter, place] of Object.entries(asked.files))
    given.set(parameter, await workspace.provide(id, parameter, place));
  // Only now, because it loads all constructs of the stack.
  const { definitionFromFile, definitionFromTerraform } = await import('./definition-source.ts');
  if (asked.definition === undefined) write("Reading the pipeline's definition out of the Terraform.");
  const { pipeline, definition } =
    asked.definition === undefined
      ? await definitionFromTerraform(asked.pipeline, workspace.synthFolder(id))
      : await definitionFromFile(asked.definition);
  for (const { name, value, reason } of localDefaults(definition, new Set(given.keys()))) {
    given.set(name, value);
    write(`${name} is ${value} here, ${reason}.`);
  }
  return { pipeline, definition, parameters: Object.fromEntries(parameterValues(definition, given)) };
};

/** The plan on record, or a new one. @throws Error as {@link createPlan} does; the execution is then dropped */
const planOf = async (
  record: ExecutionRecord,
  workspace: Workspace,
  write: RunPipelineOptions['write'],
): Promise<Plan> => {
  if (record.plan) return record.plan;
  try {
    const plan = await createPlan(record, workspace, write);
    await workspace.clean(record.id);
    return plan;
  } catch (error) {
    // It would fail in the same way again, and must not be in the way of an earlier one that can be resumed.
    await workspace.drop(record.id);
    throw error;
  }
};

/** A pipeline's own decision, which would be the same again. */
const isRefused = (states: readonly StepState[]): boolean =>
  states.some(({ type, status }) => type === 'Fail' && status === 'Failed');

const runPlan = async (
  record: ExecutionRecord & { readonly plan: Plan },
  workspace: Workspace,
  { parallel, signal, write }: RunPipelineOptions,
): Promise<PipelineResult> => {
  const { id, plan } = record;
  const parameters = new Map(Object.entries(plan.parameters));
  await workspace.providePlaceholders(parameters.values());
  for (const line of introduction(record, workspace.folder)) write(line);

  const endpoints = new LocalEndpoints(workspace);
  const { s3, registry, jobs } = workspace;
  const save = (end: Pick<ExecutionRecord, 'status' | 'resumable'>) =>
    workspace.records.save({ ...record, ...end, outputs: Object.fromEntries(execution.outputs) });
  const logStep = stepLog(write);
  const execution = new Execution({
    id,
    arn: localArn(`pipeline/${plan.pipeline.toLowerCase()}/execution/${id}`),
    definition: plan.definition,
    parameters,
    run: localRunner({
      s3,
      registry,
      jobs,
      entryPoint: ENTRY_POINT,
      overrides: OVERRIDES,
      sageMaker: () => endpoints.environment(),
    }),
    earlier: new Map(Object.entries(record.outputs)),
    parallel,
    signal,
    onChange: (state) => {
      logStep(state);
      if (state.endedAt !== undefined) void save({ status: 'Executing', resumable: true });
    },
  });
  signal.addEventListener('abort', () => write('Stopping. A training writes a checkpoint first.'));
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
    await endpoints.stop();
  }
};

/**
 * Runs a pipeline, or resumes the last one that can be, and writes how it goes and how it ended.
 *
 * @throws Error when it cannot be started
 */
export const runPipeline = async (options: RunPipelineOptions): Promise<PipelineResult['status']> => {
  const workspace = new Workspace();
  const release = takeLock(workspace.lock, 'npm run pipeline');
  try {
    const record = options.request
      ? await start(options.request, workspace)
      : await workspace.records.lastResumable();
    const plan = await planOf(record, workspace, options.write);
    const result = await runPlan({ ...record, plan }, workspace, options);
    for (const line of summary(result)) options.write(line);
    return result.status;
  } finally {
    release();
  }
};
