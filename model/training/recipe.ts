import type { RunSettings } from './run-options.ts';

/** What decides how a network learns, whichever it is. */
export interface Recipe extends RunSettings {
  /** Decoupled weight decay. */
  readonly weightDecay: number;
  /** Probability spread over all classes. */
  readonly labelSmoothing: number;
  /** Share of the averaged weights kept at each step. */
  readonly averaging: number;
  /** Count a photo of a rare class for more, so that all classes weigh the same. */
  readonly balanced: boolean;
}

/** What is left out is as the default recipe of what learns has it. */
export type RecipeOptions = { readonly [Name in keyof Recipe]?: Recipe[Name] | undefined };

/** @returns the recipe with what is given in place of its own */
export const withOptions = (recipe: Recipe, given: RecipeOptions): Recipe => ({
  epochs: given.epochs ?? recipe.epochs,
  batchSize: given.batchSize ?? recipe.batchSize,
  learningRate: given.learningRate ?? recipe.learningRate,
  weightDecay: given.weightDecay ?? recipe.weightDecay,
  labelSmoothing: given.labelSmoothing ?? recipe.labelSmoothing,
  averaging: given.averaging ?? recipe.averaging,
  balanced: given.balanced ?? recipe.balanced,
  patience: given.patience ?? recipe.patience,
  seed: given.seed ?? recipe.seed,
});

/** What a photo of each class counts so that every class weighs the same; 1 on average over the photos. */
export const balancedWeights = (classes: number, labels: readonly number[]): number[] =>
  Array.from({ length: classes }, (_, label) => {
    const count = labels.filter((value) => value === label).length;
    return count === 0 ? 0 : labels.length / (classes * count);
  });
