import { z } from 'zod';

/**
 * The recipe of a training: what decides how a network learns, besides its photos and its first weights. From this one
 * schema come the options of `npm run train`, the hyperparameters of a job, and the command that reproduces a training.
 */

/** What a usage says of an option; one without a value is a flag. */
export interface OptionHelp {
  readonly value?: string;
  readonly text: string;
  /** What is true when it is left out, where that is not the default of its schema. */
  readonly otherwise?: string;
}

export const optionHelp = z.registry<OptionHelp>();

/** Nothing is no number. Any notation of JavaScript's is one, `1.0E-4` included. */
const toNumber = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));

/** @param expected completes "must be" */
const numberThat = (isGood: (value: number) => boolean, expected: string) =>
  z.string().transform(toNumber).refine(isGood, expected);

export const wholeNumber = (least: number, most?: number) =>
  numberThat(
    (value) => Number.isSafeInteger(value) && value >= least && value <= (most ?? value),
    most === undefined ? `a whole number of at least ${least}` : `a whole number from ${least} to ${most}`,
  );

export const share = (least: number, most: number, example: number) =>
  numberThat(
    (value) => value >= least && value <= most,
    `a share from ${least} to ${most}, such as ${example}`,
  );

/** @param expected completes "must be" */
export const numberList = (expected: string) =>
  z
    .string()
    .transform((text) => text.split(',').map(toNumber))
    .refine((list) => list.every((value) => Number.isSafeInteger(value) && value > 0), expected);

const SMALLEST_RESOLUTION = 32;

/** Each option is text where it comes in; what has no help is not an option of `npm run train`. */
export const recipeSchema = z.object({
  epochs: wholeNumber(1).register(optionHelp, { value: 'N', text: 'times that every photo is seen' }),
  batchSize: wholeNumber(1).register(optionHelp, {
    value: 'N',
    text: 'photos per step',
    otherwise: '32; 64 with --backbone',
  }),
  /** Of the schedule's highest point. */
  learningRate: numberThat(
    (value) => Number.isFinite(value) && value > 0,
    'a number above 0, such as 0.003',
  ).register(optionHelp, { value: 'X', text: 'highest learning rate' }),
  /**
   * Epochs without a lower validation loss after which the training ends early; the network then has the weights of the
   * best epoch. Null: every epoch is trained, and the network has the weights of the last.
   */
  patience: wholeNumber(1).nullable().register(optionHelp, {
    value: 'N',
    text: 'epochs without a lower validation loss after which it ends early',
    otherwise: 'none',
  }),
  /** Every class weighs the same in the loss. */
  balanced: z
    .union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')], 'true or false')
    .register(optionHelp, { text: 'photos of rare classes count for more' }),
  // TensorFlow.js takes a seed of 0 for none.
  seed: wholeNumber(1).register(optionHelp, {
    value: 'N',
    text: 'of the split, the weights and the augmentation',
  }),
  /** Decoupled weight decay. */
  weightDecay: z.number(),
  /** Probability spread over all classes. */
  labelSmoothing: z.number(),
  /** Share of the averaged weights (exponential moving average) kept at each step. */
  emaDecay: z.number(),
  /** Side, in pixels, of the photos at the first epoch; it grows to 224. Of whole networks only. */
  initialResolution: wholeNumber(SMALLEST_RESOLUTION),
  /** Weight of the teacher's part of the loss. Of whole networks only. */
  teacherWeight: z.number(),
});

export type NetworkRecipe = Readonly<z.infer<typeof recipeSchema>>;

/** What is decided of every training. */
export type Recipe = Omit<NetworkRecipe, 'initialResolution' | 'teacherWeight'>;

/** Those that are left out are as the default recipe has them. */
export type RecipeOptions = { readonly [Name in keyof NetworkRecipe]?: NetworkRecipe[Name] | undefined };

/** In the order in which fingerprints of checkpoints have the options, as below. */
export const NETWORK_RECIPE: NetworkRecipe = {
  epochs: 60,
  batchSize: 32,
  learningRate: 0.003,
  weightDecay: 0.05,
  labelSmoothing: 0.05,
  emaDecay: 0.998,
  balanced: false,
  patience: null,
  seed: 1,
  initialResolution: 128,
  teacherWeight: 1,
};

export const HEAD_RECIPE: Recipe = {
  epochs: 60,
  batchSize: 64,
  learningRate: 0.003,
  weightDecay: 1,
  labelSmoothing: 0.05,
  emaDecay: 0.99,
  balanced: false,
  patience: null,
  seed: 1,
};

/** @returns the recipe with the given options in place of its own; options that it does not have are dropped */
export const withOptions = <T extends Recipe>(recipe: T, options: RecipeOptions): T => {
  const own = Object.entries(options).filter(([name, value]) => name in recipe && value !== undefined);
  return { ...recipe, ...Object.fromEntries(own) };
};

/** Names that files keep from before they were renamed: a checkpoint would otherwise look like another training's. */
const STORED_NAMES: Readonly<Record<string, string>> = {
  emaDecay: 'averaging',
  initialResolution: 'firstSide',
};

/** The options by the names that they have in files. */
export const storedOptions = (options: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [STORED_NAMES[name] ?? name, value]));

const PUBLIC_NAMES: Readonly<Record<string, string>> = {
  initialResolution: 'first-side',
  pretrainedRole: 'pretrained-as',
};

/** What an option is called where people type it. */
export const optionName = (key: string): string =>
  PUBLIC_NAMES[key] ?? key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The command that trains alike, with these options in their order. */
export const reproduceCommand = (options: object): string => {
  const typed = Object.entries(options).flatMap(([key, value]) => {
    if (value === undefined || value === null || value === false) return [];
    return value === true ? [`--${optionName(key)}`] : [`--${optionName(key)} ${value}`];
  });
  return ['npm run train -- --data DIR', ...typed].join(' ');
};

/** What a photo of each class counts so that every class weighs the same; 1 on average over the photos. */
export const inverseFrequencyWeights = (classes: number, labels: readonly number[]): number[] =>
  Array.from({ length: classes }, (_, label) => {
    const count = labels.filter((value) => value === label).length;
    return count === 0 ? 0 : labels.length / (classes * count);
  });
