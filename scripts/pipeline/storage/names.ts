import { randomInt } from 'node:crypto';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

export const randomLetters = (count: number): string =>
  Array.from({ length: count }, () => LETTERS[randomInt(LETTERS.length)]).join('');

const ID_LENGTH = 12;

/** Ids of executions are twelve small letters and digits. */
export const executionId = (): string => randomLetters(ID_LENGTH);

export const isExecutionId = (text: string): boolean =>
  text.length === ID_LENGTH && [...text].every((letter) => LETTERS.includes(letter));

/** What SageMaker calls a job or a model of a step that does not name it. */
export const nameOf = (execution: string, step: string): string =>
  `pipelines-${execution}-${step}-${randomLetters(10)}`;
