import path from 'node:path';
import { TRAINING_ENVIRONMENT } from '../../model/contract/learning-jobs.ts';
import { ROOT } from '../root.ts';
import type { CommandLine } from './command-line.ts';
import { localDefaults } from './definition/local-defaults.ts';
import { parameterValues } from './definition/parameters.ts';
import { definitionFromFile, definitionFromTerraform } from './definition/source.ts';
import { Execution } from './execution/execution.ts';
import type { ExecutionRecord } from './execution/record.ts';
import { ENTRY_POINT } from './jobs/container.ts';
import { LocalEndpoints } from './local-sagemaker.ts';
import { lockFolder } from './lock.ts';
import { localRunner } from './steps/runner.ts';
import { localArn } from './storage/arn.ts';
import { executionId } from './storage/names.ts';
import { table } from './view/text.ts';
import { liveView, plainView } from './view/view.ts';
import { Workspace } from './workspace.ts';

/** Waiting for a machine takes minutes on AWS, and nothing here. */
const TIME_SCALE = 0.01;

/** What the definition asks for and this machine may not have. */
const OVERRIDES = { [TRAINING_ENVIRONMENT.requireGpu]: 'false' };

export interface RunOptions {
  readonly commandLine: CommandLine;
  readonly signal: AbortSignal;
  readonly out: NodeJS.WriteStream;
}

/** A new execution, as the command line asks for it. */
const begin = async (
  { values, files, definition: file, pipeline: key }: CommandLine,
  workspace: Workspace,
  say: (line: string) => void,
): Promise<ExecutionRecord> => {
  const id = executionId();
  const given = new Map(values);
  for (const [parameter, place] of files)
    given.set(parameter, await workspace.provide(id, parameter, path.resolve(place)));
  const { pipeline, definition } = file ? await definitionFromFile(file) : await definitionFromTerraform(key);
  for (const { name, value, reason } of localDefaults(definition, new Set(given.keys()))) {
    given.set(name, value);
    say(`${name} is ${value} here, ${reason}.`);
  }
  return {
    id,
    pipeline,
    startedAt: new Date().toISOString(),
    status: 'Executing',
    definition,
    parameters: Object.fromEntries(parameterValues(definition, given)),
    outputs: {},
  };
};

const introduction = ({ id, pipeline, parameters }: ExecutionRecord, { folder }: Workspace): string[] => [
  `Pipeline ${pipeline}, execution ${id}`,
  ...table(Object.entries(parameters).map(([name, value]) => [`  ${name}`, String(value)])),
  `On this machine the images, machines, roles and networks of the definition are not used, and ${TRAINING_ENVIRONMENT.requireGpu} is false. S3, logs and models are in ${path.relative(ROOT, folder)}.`,
  '',
];

const runIn = async (workspace: Workspace, { commandLine, signal, out }: RunOptions) => {
  const write = (line: string): void => void out.write(`${line}\n`);
  const record = commandLine.resume
    ? await workspace.records.unfinished()
    : await begin(commandLine, workspace, write);
  const parameters = new Map(Object.entries(record.parameters));
  await workspace.provideNotes(parameters.values());
  for (const line of introduction(record, workspace)) write(line);

  const endpoints = new LocalEndpoints(workspace);
  const { s3, registry, jobs } = workspace;
  const save = (status: ExecutionRecord['status']) =>
    workspace.records.save({ ...record, status, outputs: Object.fromEntries(execution.outputs) });
  const execution = new Execution({
    id: record.id,
    arn: localArn(`pipeline/${record.pipeline.toLowerCase()}/execution/${record.id}`),
    definition: record.definition,
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
    parallel: commandLine.parallel,
    timeScale: TIME_SCALE,
    signal,
    onChange: (state) => {
      view.changed(state);
      if (state.endedAt !== undefined) void save('Executing');
    },
  });
  const view = out.isTTY ? liveView(out, () => execution.states) : plainView(write);
  const notice = () => view.notice('Stopping. A training writes a checkpoint first.');
  signal.addEventListener('abort', notice);
  try {
    await save('Executing');
    await execution.run();
    const { status } = execution;
    await save(status);
    return {
      status,
      states: execution.states,
      deployed: await endpoints.deployed(),
      reports: await workspace.reports(execution.outputs),
    };
  } finally {
    view.close();
    await endpoints.stop();
  }
};

/**
 * Runs a pipeline, or goes on with the last one, and shows how it goes.
 *
 * @returns how it ended
 * @throws Error when it cannot be begun
 */
export const runPipeline = async (options: RunOptions) => {
  const workspace = new Workspace();
  const release = await lockFolder(workspace.folder);
  try {
    return await runIn(workspace, options);
  } finally {
    await release();
  }
};
