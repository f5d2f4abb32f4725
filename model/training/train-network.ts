import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { PHOTO_CHANNELS, PHOTO_SIDE } from '../contract/tensors.ts';
import { type Augmentation, augmentInto, type Batch, mix, targetTensor } from '../data/augment.ts';
import type { Example } from '../data/dataset.ts';
import { evaluate, networkPredictFn, type PredictFn } from '../evaluation/evaluate.ts';
import { reseedDropout } from '../network/layers.ts';
import { INPUT_SIZE } from '../network/network.ts';
import { layersNetwork } from '../savedmodel/export-layers.ts';
import { stopIfAborted } from '../shared/abort.ts';
import type { Random } from '../shared/random.ts';
import { runTrainingLoop, type TrainingRunOptions } from './loop.ts';
import { networkVariables, OptimizerState, type Trainable } from './optimizer.ts';
import {
  inverseFrequencyWeights,
  NETWORK_RECIPE,
  type Recipe,
  type RecipeOptions,
  withOptions,
} from './recipe.ts';
import type { Trainer } from './train.ts';

/** The kind of batches at a point of the training. */
export interface Lesson {
  /** Side of the photos, in pixels. */
  readonly side: number;
  readonly augmentation: Augmentation;
  readonly mix: (batch: Batch, random: Random) => Batch;
}

/** A network that learns from augmented photos. */
export interface Trainee extends Trainable {
  /**
   * Runs the frozen part. The result must be disposed of.
   *
   * @param photos float32 `[N, S, S, 3]` in [-1, 1]
   */
  readonly runFrozen: (photos: tf.Tensor4D, random: Random) => tf.NamedTensorMap;
  /** Runs the trained part on that: logits, float32 `[N, classes]`. */
  readonly runTrained: (frozen: tf.NamedTensorMap) => unknown;
  readonly predict: PredictFn;
  /** @param progress share of all steps that are done, 0 to 1 */
  readonly lessonAt: (progress: number) => Lesson;
  readonly start?: () => Promise<void>;
}

/** Randomly augmented photos: float32 `[N, side, side, 3]`, about [-1, 1]. */
const augmentedTensor = (
  batch: readonly Example[],
  { side, augmentation }: Lesson,
  random: Random,
): tf.Tensor4D => {
  const length = side * side * PHOTO_CHANNELS;
  const values = new Float32Array(batch.length * length);
  batch.forEach(({ pixels }, index) =>
    augmentInto(pixels, side, random, values, index * length, augmentation),
  );
  return tf.tensor4d(values, [batch.length, side, side, PHOTO_CHANNELS]);
};

/** The weight of each photo, from the classes that were mixed in it: float32 `[N]`. */
const photoWeights = (targets: tf.Tensor2D, classWeights: readonly number[]): tf.Tensor1D =>
  tf.tidy(() =>
    tf.reshape(tf.matMul(targets, tf.tensor2d([...classWeights], [classWeights.length, 1])), [-1]),
  );

interface PhotoTraining {
  readonly classes: number;
  readonly recipe: Recipe;
  readonly run: TrainingRunOptions;
}

/** Trains a network in place on augmented and mixed photos. See `runTrainingLoop` for how it runs and resumes. */
export const trainOnPhotos = (
  trainee: Trainee,
  { train, validation }: Parameters<Trainer>[0],
  { classes, recipe, run }: PhotoTraining,
) => {
  const labels = train.map(({ label }) => label);
  const classWeights = recipe.balanced ? inverseFrequencyWeights(classes, labels) : undefined;
  const optimizer = new OptimizerState(trainee, recipe);
  return runTrainingLoop<Example>({
    learner: {
      optimizer,
      start: async () => {
        await trainee.start?.();
        optimizer.restartAverage();
      },
      step: async (batch, { progress, learningRate, random }) => {
        const lesson = trainee.lessonAt(progress);
        const { photos, targets } = tf.tidy(() => {
          const changed = augmentedTensor(batch, lesson, random);
          const smoothed = targetTensor(batch, classes, recipe.labelSmoothing);
          return { ...lesson.mix({ photos: changed, targets: smoothed }, random) };
        });
        const frozen = trainee.runFrozen(photos, random);
        const weights = classWeights && photoWeights(targets, classWeights);
        const result = await optimizer.learn(targets, weights, learningRate, () =>
          trainee.runTrained(frozen),
        );
        tf.dispose([photos, targets, frozen, ...(weights ? [weights] : [])]);
        return result;
      },
      validate: async (signal, when) => {
        if (validation.length === 0) return undefined;
        let done = 0;
        const predict: PredictFn = async (examples) => {
          await stopIfAborted(signal, when);
          done += examples.length;
          run.onValidated?.(done, validation.length);
          return trainee.predict(examples);
        };
        return optimizer.withAveragedWeights(() => evaluate(predict, classes, validation));
      },
    },
    items: train,
    ...{ recipe, run, split: { train, validation }, weights: trainee.weights },
  });
};

interface TrainNetworkOptions extends TrainingRunOptions {
  /** Trained in place. */
  readonly network: LayersModel;
  /** Width of the network's output. */
  readonly classes: number;
  /** @default {@link NETWORK_RECIPE} */
  readonly recipe?: RecipeOptions;
}

/** Photos grow over the first 70 % of the training: small ones are cheap and good enough at the start. */
const resolutionAt = (progress: number, initial: number): number => {
  const step = 16;
  const grown = initial + (PHOTO_SIDE - initial) * Math.min(1, progress / 0.7);
  return Math.min(PHOTO_SIDE, Math.round(grown / step) * step);
};

/** Trains our own network from scratch. See `runTrainingLoop` for how it runs and resumes. */
export const trainNetwork =
  ({ network, classes, recipe: options = {}, ...run }: TrainNetworkOptions): Trainer =>
  async (split) => {
    const recipe = withOptions(NETWORK_RECIPE, options);
    const trainee: Trainee = {
      weights: networkVariables(network.weights),
      trained: networkVariables(network.trainableWeights),
      runFrozen: (photos, random) => {
        reseedDropout(network, random);
        return { photos: tf.clone(photos) };
      },
      runTrained: ({ photos }) => photos && network.apply(photos, { training: true }),
      predict: networkPredictFn(network),
      lessonAt: (progress) => ({
        side: resolutionAt(progress, recipe.initialResolution),
        augmentation: {},
        mix,
      }),
    };
    const history = await trainOnPhotos(trainee, split, { classes, recipe, run });
    const count = network.countParams();
    return {
      write: layersNetwork(network),
      history,
      parameters: { total: count, trained: count },
      side: INPUT_SIZE,
      backbone: null,
    };
  };
