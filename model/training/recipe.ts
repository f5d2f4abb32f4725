import { z } from 'zod';
import { kebabCase, positiveNumber, wholeNumber } from '../shared/text.ts';

/**
 * The recipe of a training: everything that determines how a network learns, besides its photos and initial weights.
 * The options of `npm run train`, a job's hyperparameters, and the command that reproduces a training come from this
 * schema.
 */

/** @param expected completes "must be" */
export const numberList = (expected: string) =>
  z
    .string()
    .transform((text) =>
      text.split(',').map((number) => (number.trim() === '' ? Number.NaN : Number(number))),
    )
    .refine((list) => list.every((value) => Number.isSafeInteger(value) && value > 0), expected);

const SMALLEST_RESOLUTION = 32;

/** Options are parsed from text. Those without a description are not options of `npm run train`. */
export const recipeSchema = z.object({
  epochs: wholeNumber(1).meta({ value: 'N', description: 'passes over the training photos' }),
  batchSize: wholeNumber(1).meta({ value: 'N', description: 'photos per step' }),
  learningRate: positiveNumber.meta({ value: 'X', description: 'highest learning rate' }),
  /** Null: no early stopping, and the weights of the last epoch; otherwise those of the best epoch. */
  patience: wholeNumber(1).nullable().meta({
    value: 'N',
    description: 'epochs without a lower validation loss before training stops early',
  }),
  /** Whether every class has the same weight in the loss. */
  balanced: z
    .union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')], 'true or false')
    .meta({ description: 'photos of rare classes count for more' }),
  // TensorFlow.js treats a seed of 0 as none.
  seed: wholeNumber(1).meta({
    value: 'N',
    description: 'seed of the split, the weights and the augmentation',
  }),
  /** Decoupled weight decay. */
  weightDecay: z.number(),
  /** Probability spread over all classes. */
  labelSmoothing: z.number(),
  /** Decay of the exponential moving average of the weights, per step. */
  emaDecay: z.number(),
  /** Side of the photos in the first epoch, in pixels. Not used for heads. */
  initialResolution: wholeNumber(SMALLEST_RESOLUTION),
  /** Side of the photos in the last epoch. Only used for fine-tuning; otherwise 224. */
  resolution: wholeNumber(SMALLEST_RESOLUTION),
  fineTune: wholeNumber(1).meta({
    value: 'N',
    description: 'number of last blocks of the backbone to train',
  }),
});

export type FineTuneRecipe = Readonly<z.infer<typeof recipeSchema>>;
export type NetworkRecipe = Omit<FineTuneRecipe, 'resolution' | 'fineTune'>;

/** The settings common to all trainings. */
export type Recipe = Omit<NetworkRecipe, 'initialResolution'>;

/** Options to override in a default recipe. */
export type RecipeOptions = { readonly [Name in keyof FineTuneRecipe]?: FineTuneRecipe[Name] | undefined };

/** The order of options matters for the fingerprints of checkpoints. */
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
};

export const FINE_TUNE_RECIPE: FineTuneRecipe = {
  epochs: 12,
  batchSize: 32,
  learningRate: 0.00025,
  weightDecay: 0.02,
  labelSmoothing: 0.05,
  emaDecay: 0.99,
  balanced: false,
  patience: null,
  seed: 1,
  initialResolution: 160,
  resolution: 192,
  fineTune: 10,
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

/** @returns the recipe with the given options; options that the recipe does not have are dropped */
export const withOptions = <T extends Recipe>(recipe: T, options: RecipeOptions): T => {
  const own = Object.entries(options).filter(([name, value]) => name in recipe && value !== undefined);
  return { ...recipe, ...Object.fromEntries(own) };
};

/** Former names of options, which files keep: otherwise a checkpoint would seem to belong to another training. */
const STORED_NAMES: Readonly<Record<string, string>> = {
  emaDecay: 'averaging',
  initialResolution: 'firstSide',
};

/** The options by their names in files. */
export const storedOptions = (options: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [STORED_NAMES[name] ?? name, value]));

const PUBLIC_NAMES: Readonly<Record<string, string>> = { initialResolution: 'first-side' };

/** An option's name as people type it. */
export const optionName = (key: string): string => PUBLIC_NAMES[key] ?? kebabCase(key);

/** The command that reproduces a training, with these options in order. */
export const reproduceCommand = (options: object): string => {
  const typed = Object.entries(options).flatMap(([key, value]) => {
    if (value === undefined || value === null || value === false) return [];
    return value === true ? [`--${optionName(key)}`] : [`--${optionName(key)} ${value}`];
  });
  return ['npm run train -- --data DIR', ...typed].join(' ');
};

/** Weights that make every class count the same; their mean over the photos is 1. */
export const inverseFrequencyWeights = (classes: number, labels: readonly number[]): number[] =>
  Array.from({ length: classes }, (_, label) => {
    const count = labels.filter((value) => value === label).length;
    return count === 0 ? 0 : labels.length / (classes * count);
  });
