import { z } from 'zod';
import { kebabCase, positiveNumber, wholeNumber } from '../shared/text.ts';

/**
 * The recipe of a training: what decides how a network learns, besides its photos and its first weights. From this one
 * schema come the options of `npm run train`, the hyperparameters of a job, and the command that reproduces a training.
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

/** Each option is text where it comes in; what has no description is not an option of `npm run train`. */
export const recipeSchema = z.object({
  epochs: wholeNumber(1).meta({ value: 'N', description: 'times that every photo is seen' }),
  batchSize: wholeNumber(1).meta({ value: 'N', description: 'photos per step' }),
  learningRate: positiveNumber.meta({ value: 'X', description: 'highest learning rate' }),
  /** Null: every epoch is trained, and the network has the weights of the last; otherwise those of the best epoch. */
  patience: wholeNumber(1).nullable().meta({
    value: 'N',
    description: 'epochs without a lower validation loss after which it ends early',
  }),
  /** Every class weighs the same in the loss. */
  balanced: z
    .union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')], 'true or false')
    .meta({ description: 'photos of rare classes count for more' }),
  // TensorFlow.js takes a seed of 0 for none.
  seed: wholeNumber(1).meta({ value: 'N', description: 'of the split, the weights and the augmentation' }),
  /** Decoupled weight decay. */
  weightDecay: z.number(),
  /** Probability spread over all classes. */
  labelSmoothing: z.number(),
  /** Share of the averaged weights (exponential moving average) kept at each step. */
  emaDecay: z.number(),
  /** Side, in pixels, of the photos at the first epoch. Not of heads. */
  initialResolution: wholeNumber(SMALLEST_RESOLUTION),
  /** Of the photos at the last epoch. Of fine-tuning only; otherwise 224. */
  resolution: wholeNumber(SMALLEST_RESOLUTION),
  fineTune: wholeNumber(1).meta({ value: 'N', description: 'last blocks of the backbone that are trained' }),
});

export type FineTuneRecipe = Readonly<z.infer<typeof recipeSchema>>;
export type NetworkRecipe = Omit<FineTuneRecipe, 'resolution' | 'fineTune'>;

/** What is decided of every training. */
export type Recipe = Omit<NetworkRecipe, 'initialResolution'>;

/** Those that are left out are as the default recipe has them. */
export type RecipeOptions = { readonly [Name in keyof FineTuneRecipe]?: FineTuneRecipe[Name] | undefined };

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

const PUBLIC_NAMES: Readonly<Record<string, string>> = { initialResolution: 'first-side' };

/** What an option is called where people type it. */
export const optionName = (key: string): string => PUBLIC_NAMES[key] ?? kebabCase(key);

/** The command that trains the same way, with these options in their order. */
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
