import path from 'node:path';
import type { CommandLine } from './command-line.ts';
import { localDefaults } from './definition/local-defaults.ts';
import { parameterValues } from './definition/parameters.ts';
import { definitionFromFile, definitionFromTerraform } from './definition/source.ts';
import type { ExecutionRecord, Plan } from './execution/record.ts';
import { checkGivenFile } from './given-files.ts';
import { executionId } from './storage/names.ts';
import type { Workspace } from './workspace.ts';

/**
 * Puts a new execution on record, before anything is made of it: it can be gone on with even if it ends at once.
 *
 * @throws Error when a file or folder is not what its option takes
 */
export const begin = async (
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

export interface PlanOptions {
  readonly workspace: Workspace;
  /** Aborted, it ends the making of the Terraform. */
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** @throws Error when the definition cannot be read, or has not the parameters that were given */
export const planOf = async (
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
