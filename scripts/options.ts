import { z } from 'zod';

/** Values of options of a command line, as they are typed, and what is said of wrong ones. */

/** Nothing is no number. */
const number = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));

/** @param wanted completes "must be" */
const numberThat = (isGood: (value: number) => boolean, wanted: string) =>
  z.string().transform(number).refine(isGood, wanted);

export const wholeNumber = (least: number, most?: number) =>
  numberThat(
    (value) => Number.isSafeInteger(value) && value >= least && value <= (most ?? value),
    most === undefined ? `a whole number of at least ${least}` : `a whole number from ${least} to ${most}`,
  );

export const positiveNumber = numberThat(
  (value) => Number.isFinite(value) && value > 0,
  'a number above 0, such as 0.003',
);

export const share = (least: number, most: number, example: number) =>
  numberThat(
    (value) => value >= least && value <= most,
    `a share from ${least} to ${most}, such as ${example}`,
  );

/** What is wrong with options, a line each. */
export const optionProblems = (given: Readonly<Record<string, unknown>>, { issues }: z.ZodError): string =>
  issues
    .map(({ path: [key = ''], message }) => {
      const name = String(key);
      return given[name] === undefined
        ? `--${name} is missing; it must be ${message}.`
        : `--${name} is "${given[name]}", but must be ${message}.`;
    })
    .join('\n');
