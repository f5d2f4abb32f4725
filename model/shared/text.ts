import { z } from 'zod';

/** An error's message; of anything else that was thrown, its text. */
export const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** `3 min 20 s` */
export const duration = (seconds: number): string => {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
};

/** `batch-size` of `batchSize`: an option or a hyperparameter as it is typed. */
export const kebabCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** An empty text is not 0. */
const number = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));

/** @param expected completes "must be" */
const numberThat = (isValid: (value: number) => boolean, expected: string) =>
  z.string().transform(number).refine(isValid, expected);

/** A whole number from text, in any notation of JavaScript's. */
export const wholeNumber = (least: number, most?: number) =>
  numberThat(
    (value) => Number.isSafeInteger(value) && value >= least && value <= (most ?? value),
    most === undefined ? `a whole number of at least ${least}` : `a whole number from ${least} to ${most}`,
  );

/** A number above 0 from text, such as `1.0E-4`. */
export const positiveNumber = numberThat(
  (value) => Number.isFinite(value) && value > 0,
  'a number above 0, such as 0.003',
);

/** A number from `least` to `most`, both included, from text. */
export const share = (least: number, most: number, example: number) =>
  numberThat(
    (value) => value >= least && value <= most,
    `a share from ${least} to ${most}, such as ${example}`,
  );

/** `97.3 %` of 0.973. */
export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** `1 photo`, `2 photos`. */
export const pluralize = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** The text, or its beginning and its end where it is longer: names of classes often differ at their ends only. */
export const abridge = (text: string, longest: number): string => {
  // Composed, as macOS names a folder by the parts of each Hangul syllable.
  const characters = Array.from(text.normalize('NFC'));
  if (characters.length <= longest) return text;
  const end = Math.floor((longest - 1) / 2);
  const beginning = characters.slice(0, longest - 1 - end);
  return [...beginning, '…', ...characters.slice(characters.length - end)].join('');
};
