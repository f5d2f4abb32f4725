import { duration } from './text.ts';

/** Reports the progress of some work. */
export type ReportProgress = (what: string, done: number, total: number) => void;

/** Default interval of progress lines in a log, in seconds. */
const PAUSE = 15;
/** Seconds over which the pace is measured: items cached by an earlier run are faster than the rest. */
const WINDOW = 15;
/** In a long job, the pause grows to this share of the elapsed time. */
const SHARE_OF_ELAPSED = 0.02;

/**
 * Writes lines such as `Computing features: 320 of 1800, 40 s left`, with the time left at the recent pace.
 *
 * @param pause minimum seconds between two lines; in a long job 2 % of the elapsed time
 */
export const progressReporter = (write: (line: string) => void, pause: number = PAUSE): ReportProgress => {
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
