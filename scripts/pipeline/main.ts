import path from 'node:path';
import { localArn } from '../aws-double/protocol.ts';
import { INTERRUPTED, print, runCommand } from '../shared/cli.ts';
import { takeLock } from '../shared/lock.ts';
import { type PipelineOptions, pipelineCommand, pipelineRequest } from './command-line.ts';
import { ENTRY_POINT } from './container.ts';
import { Execution } from './execution.ts';
import { checkInput, localDefaults, parameterValues } from './inputs.ts';
import { LocalEndpoints } from './local-endpoint.ts';
import { type ExecutionRecord, type PipelineRequest, type Plan, randomLetters } from './record.ts';
import { localRunner } from './steps.ts';
import { introduction, type PipelineResult, stepLog, summary } from './view.ts';
import { Workspace } from './workspace.ts';

/** Runs a SageMaker pipeline on this machine. */

const EXIT_CODES = { Succeeded: 0, Failed: 1, Stopped: INTERRUPTED } as const;

/**
 * Records a new execution before it starts, so that it can be resumed whenever it is interrupted.
 *
 * @throws Error if a file or folder is not valid for its option
 */
const start = async (request: PipelineRequest, { records }: Workspace): Promise<ExecutionRecord> => {
  const { definition } = request;
  const files: Record<string, string> = {};
  for (const [parameter, place] of Object.entries(request.files)) {
    files[parameter] = path.resolve(place);
    await checkInput(parameter, path.resolve(place));
  }
  const record: ExecutionRecord = {
    id: randomLetters(12),
    startedAt: new Date().toISOString(),
    status: 'Executing',
    resumable: true,
    request: { ...request, ...(definition !== undefined && { definition: path.resolve(definition) }), files },
    outputs: {},
  };
  await records.save(record);
  return record;
};

/** @throws Error if the definition cannot be read or does not have the given parameters */
const createPlan = async ({ id, request }: ExecutionRecord, workspace: Workspace): Promise<Plan> => {
  const given = { ...request.values };
  for (const [parameter, place] of Object.entries(request.files))
    given[parameter] = await workspace.provide(id, parameter, place);
  // Imported lazily, because it loads all constructs of the stack.
  const { definitionFromFile, definitionFromTerraform } = await import('./definition-source.ts');
  if (request.definition === undefined) print("Reading the pipeline's definition from the Terraform.");
  const { pipeline, definition } =
    request.definition === undefined
      ? await definitionFromTerraform(request.pipeline, workspace.synthFolder(id))
      : await definitionFromFile(request.definition);
  for (const { name, value, reason } of localDefaults(definition, given)) {
    given[name] = value;
    print(`${name} is ${value} here, ${reason}.`);
  }
  return { pipeline, definition, parameters: parameterValues(definition, given) };
};

const runPlan = async (
  record: ExecutionRecord & { readonly plan: Plan },
  workspace: Workspace,
  signal: AbortSignal,
): Promise<PipelineResult> => {
  const { id, plan } = record;
  await workspace.providePlaceholders(Object.values(plan.parameters));
  for (const line of introduction(record, workspace.folder)) print(line);

  const endpoints = new LocalEndpoints(workspace);
  const { s3, registry, jobs } = workspace;
  const save = (end: Pick<ExecutionRecord, 'status' | 'resumable'>) =>
    workspace.records.save({ ...record, ...end, outputs: execution.outputs });
  const logStep = stepLog(print);
  const execution = new Execution({
    id,
    arn: localArn(`pipeline/${plan.pipeline.toLowerCase()}/execution/${id}`),
    definition: plan.definition,
    parameters: plan.parameters,
    run: localRunner({
      s3,
      registry,
      jobs,
      entryPoint: ENTRY_POINT,
      sageMaker: () => endpoints.environment(),
    }),
    earlier: record.outputs,
    signal,
    onChange: (state) => {
      logStep(state);
      if (state.endedAt !== undefined) void save({ status: 'Executing', resumable: true });
    },
  });
  signal.addEventListener('abort', () => print('Stopping. A training writes a checkpoint first.'));
  try {
    await save({ status: 'Executing', resumable: true });
    await execution.run();
    const { status, states, outputs } = execution;
    // A Fail step would fail again.
    const refused = states.some((state) => state.type === 'Fail' && state.status === 'Failed');
    const resumable = status === 'Stopped' || (status === 'Failed' && !refused);
    await save({ status, resumable });
    return {
      status,
      resumable,
      states,
      ...(await workspace.trained(outputs)),
      deployed: await endpoints.deployed(),
    };
  } finally {
    await endpoints.stop();
  }
};

const run = async (options: PipelineOptions): Promise<number> => {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
  const workspace = new Workspace();
  const release = takeLock(workspace.lock, 'npm run pipeline');
  try {
    const record = options.resume
      ? await workspace.records.lastResumable()
      : await start(pipelineRequest(options, process.env), workspace);
    // Without a plan it would only fail again, and must not hide an earlier execution from --resume.
    const plan =
      record.plan ??
      (await createPlan(record, workspace).catch(async (error: unknown) => {
        await workspace.drop(record.id);
        throw error;
      }));
    await workspace.clean(record.id);
    const result = await runPlan({ ...record, plan }, workspace, stop.signal);
    for (const line of summary(result)) print(line);
    return EXIT_CODES[result.status];
  } finally {
    release();
  }
};

await runCommand(pipelineCommand(process.env), run);
