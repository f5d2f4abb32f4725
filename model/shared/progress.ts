import { duration } from './text.ts';

/** Says how far something is: what is done, and how much of it. */
export type ReportProgress = (what: string, done: number, total: number) => void;

/** The pace is that of so many seconds: what was kept from another run goes faster than the rest. */
const WINDOW = 15;
/** A long job says something less often: after so many times the pause. */
const SHARE_OF_ELAPSED = 0.02;

/**
 * Lines such as `Computing features: 320 of 1800, 40 s left`, not oftener than every so many seconds, with the time that
 * is left at the pace of late.
 *
 * @param pause seconds between two lines; in a long job 2 % of the time that it took already
 */
export const progressReporter = (write: (line: string) => void, pause: number): ReportProgress => {
  const began = performance.now();
  let written = began;
  let phase = '';
  let seen: { at: number; done: number }[] = [];
  return (what, done, total) => {
    const at = performance.now();
    if (what !== phase) seen = [];
    phase = what;
    seen.push({ at, done });
    while (seen[1] && at - seen[1].at > WINDOW * 1000) seen.shift();
    if (at - written < Math.max(pause * 1000, (at - began) * SHARE_OF_ELAPSED)) return;
    written = at;
    const [first] = seen;
    const pace = first && done > first.done ? (at - first.at) / (done - first.done) : undefined;
    const left = pace === undefined ? '' : `, ${duration((pace * (total - done)) / 1000)} left`;
    write(`${what}: ${done} of ${total}${left}`);
  };
};
