import { z } from 'zod';

/** An error's message, or anything else that was thrown as text. */
export const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** `3 min 20 s` */
export const duration = (seconds: number): string => {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
};

/** `batchSize` becomes `batch-size`, as options and hyperparameters are typed. */
export const kebabCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Rejects the empty string, which `Number` turns into 0. */
const number = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));

/** @param expected completes "must be" */
const numberThat = (isValid: (value: number) => boolean, expected: string) =>
  z.string().transform(number).refine(isValid, expected);

/** A whole number from text, in any JavaScript notation. */
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

/** 0.973 becomes `97.3 %`. */
export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** `1 photo`, `2 photos`. */
export const pluralize = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** Shortens a long text to its beginning and its end: class names often differ only at the end. */
export const abridge = (text: string, longest: number): string => {
  // Normalized, because macOS decomposes Hangul syllables in file names.
  const characters = Array.from(text.normalize('NFC'));
  if (characters.length <= longest) return text;
  const end = Math.floor((longest - 1) / 2);
  const beginning = characters.slice(0, longest - 1 - end);
  return [...beginning, '…', ...characters.slice(characters.length - end)].join('');
};
