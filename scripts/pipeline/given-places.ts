import { stat } from 'node:fs/promises';
import { MODEL_ARCHIVE } from '../../model/contract/sagemaker-jobs.ts';
import { StepFailure } from './execution/failure.ts';
import type { ExecutionRecord } from './execution/record.ts';
import type { StepRunner } from './execution/step-runner.ts';

/** The bucket of what a person points to with an option; no bucket of AWS has such a short life. */
export const GIVEN_BUCKET = 'this-machine';

/** Where in S3 an execution finds what it was given for a parameter. */
export const givenPrefix = (execution: string, parameter: string): string =>
  `s3://${GIVEN_BUCKET}/${execution}/${parameter}/`;

/** A text in which files and folders are called what the person called them who gave them. */
export type Naming = (text: string) => string;

const isFile = async (place: string): Promise<boolean> =>
  stat(place).then(
    (found) => found.isFile(),
    () => false,
  );

/** Puts the places of this machine that an execution was given in place of their URIs in S3. */
export const namingOf = async ({ id, asked }: Pick<ExecutionRecord, 'id' | 'asked'>): Promise<Naming> => {
  const names: [uri: string, place: string][] = [];
  for (const [parameter, place] of Object.entries(asked.files)) {
    const prefix = givenPrefix(id, parameter);
    if (await isFile(place)) names.push([`${prefix}${MODEL_ARCHIVE}`, place], [prefix, place]);
    names.push([prefix.slice(0, -1), place]);
  }
  return (text) => names.reduce((named, [uri, place]) => named.replaceAll(uri, place), text);
};

/** Steps that tell of places as a person knows them. */
export const withNaming =
  (run: StepRunner, named: Naming): StepRunner =>
  async (step, request, context) => {
    try {
      return await run(step, request, {
        ...context,
        report: (note) => context.report(named(note)),
        warn: (text) => context.warn(named(text)),
      });
    } catch (error) {
      if (!(error instanceof StepFailure)) throw error;
      const { exception } = error;
      throw new StepFailure(named(error.message), { cause: error, ...(exception && { exception }) });
    }
  };
