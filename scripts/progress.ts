import { clearLine, cursorTo } from 'node:readline';

/** Shows how far a long job is: one line that is rewritten in a terminal, nothing in a log. */
export const showProgress = (text: string): void => {
  if (!process.stdout.isTTY) return;
  clearLine(process.stdout, 0);
  cursorTo(process.stdout, 0);
  process.stdout.write(text);
};

/** A line that stays, in place of the progress. */
export const say = (text: string): void => {
  showProgress('');
  process.stdout.write(`${text}\n`);
};

/** `3 min 20 s` */
export const duration = (seconds: number): string => {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
};
