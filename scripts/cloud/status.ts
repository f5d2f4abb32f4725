import { showProgress } from '../progress.ts';

/**
 * Tells what is being waited for.
 *
 * @param line in a terminal: one line, rewritten each time
 * @param log elsewhere: a line whenever it changes. @default - `line`
 */
export type Report = (line: string, log?: string) => void;

/** A report on standard output. */
export const statusLine = (): Report => {
  let last = '';
  return (line, log = line) => {
    if (process.stdout.isTTY) showProgress(`  ${line}`.slice(0, process.stdout.columns));
    else if (log !== last) process.stdout.write(`  ${log}\n`);
    last = log;
  };
};
