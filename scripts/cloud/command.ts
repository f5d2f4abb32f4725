import { z } from 'zod';
import { showProgress } from '../progress.ts';
import { Interrupted } from './terraform.ts';

const INTERRUPTED = 130;

/** A condition that a person must decide about; not a failure of the command. */
export class Stopped extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.name = 'Stopped';
    this.exitCode = exitCode;
  }
}

const awsAnswer = z.object({
  $metadata: z.object({ httpStatusCode: z.number(), requestId: z.string().optional() }),
});

/** An error in words; of AWS's answers also what its support asks for. */
const describe = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const answer = awsAnswer.safeParse(error);
  if (!answer.success) return error.message;
  const { httpStatusCode, requestId } = answer.data.$metadata;
  return `AWS answered ${error.name}: ${error.message} (status ${httpStatusCode}, request ${requestId})`;
};

/** Runs a command of ours to its exit code; an error is told in one message, without a stack trace. */
export const runCommand = async (command: () => Promise<number>): Promise<void> => {
  try {
    process.exitCode = await command();
  } catch (error) {
    showProgress('');
    process.stderr.write(`${describe(error)}\n`);
    if (error instanceof Interrupted) process.exitCode = INTERRUPTED;
    else process.exitCode = error instanceof Stopped ? error.exitCode : 1;
  }
};
