const PATTERN = /^Warning: (.+)$/;

/** What a line of a job's log warns of; undefined when it warns of nothing. */
export const warningIn = (line: string): string | undefined => PATTERN.exec(line)?.[1];
