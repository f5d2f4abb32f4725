import { begin, planOf } from './begin.ts';
import { carryOut, type Ended, type Planned } from './carry-out.ts';
import type { CommandLine } from './command-line.ts';
import type { ExecutionRecord } from './execution/record.ts';
import { lockFolder } from './lock.ts';
import { Workspace } from './workspace.ts';

export interface PipelineOptions {
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
