import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { loadTeacher, type Teacher } from '../backbone/teacher.ts';
import { PHOTO_CHANNELS, PHOTO_SIDE } from '../contract/tensors.ts';
import { augmentInto, type Batch, mix, targetTensor } from '../data/augment.ts';
import type { Example } from '../data/dataset.ts';
import { evaluate, interruptible, networkPredictFn } from '../evaluation/evaluate.ts';
import { reseedDropout } from '../network/layers.ts';
import { INPUT_SIZE, withDistillationHead } from '../network/network.ts';
import { layersNetwork } from '../savedmodel/export-layers.ts';
import type { Random } from '../shared/random.ts';
import {
  type Learner,
  runTrainingLoop,
  type StepOptions,
  type StepResult,
  type TrainingRunOptions,
} from './loop.ts';
import { OptimizerState } from './optimizer.ts';
import {
  inverseFrequencyWeights,
  NETWORK_RECIPE,
  type NetworkRecipe,
  type RecipeOptions,
  withOptions,
} from './recipe.ts';
import type { Pretrained, Trainer } from './train.ts';

interface TrainNetworkOptions extends TrainingRunOptions {
  /** Trained in place. */
  readonly network: LayersModel;
  /** Width of the network's output. */
  readonly classes: number;
  /** Whose features the network must predict too. @default none */
  readonly teacher?: Pretrained | undefined;
  /** @default {@link NETWORK_RECIPE} */
  readonly recipe?: RecipeOptions;
}

/** The photos grow over the first 70 % of the training: small ones are cheap and good enough for the start. */
const resolutionAt = (progress: number, initial: number): number => {
  const step = 16;
  const grown = initial + (PHOTO_SIDE - initial) * Math.min(1, progress / 0.7);
  return Math.min(PHOTO_SIDE, Math.round(grown / step) * step);
};

/** Randomly changed copies of photos: float32 `[N, side, side, 3]`, about [-1, 1]. */
const augmentedTensor = (batch: readonly Example[], side: number, random: Random): tf.Tensor4D => {
  const length = side * side * PHOTO_CHANNELS;
  const values = new Float32Array(batch.length * length);
  batch.forEach(({ pixels }, index) => augmentInto(pixels, side, random, values, index * length));
  return tf.tensor4d(values, [batch.length, side, side, PHOTO_CHANNELS]);
};

/** What each photo counts, by the classes that it was mixed of: float32 `[N]`. */
const photoWeights = (targets: tf.Tensor2D, classWeights: readonly number[]): tf.Tensor1D =>
  tf.reshape(tf.matMul(targets, tf.tensor2d([...classWeights], [classWeights.length, 1])), [-1]);

interface NetworkLearnerOptions {
  readonly classes: number;
  readonly recipe: NetworkRecipe;
  readonly teacher: Teacher | undefined;
  /** How much a photo of each class counts in the loss. Absent: all the same. */
  readonly classWeights: readonly number[] | undefined;
  readonly validation: readonly Example[];
}

/** Trains a whole network on changed and mixed photos. */
class NetworkLearner implements Learner<Example> {
  readonly #options: NetworkLearnerOptions;
  readonly #network: LayersModel;
  /** The network, with a second output if there is a teacher. */
  readonly #trained: LayersModel;
  readonly optimizer: OptimizerState;

  constructor(network: LayersModel, options: NetworkLearnerOptions) {
    const { teacher, recipe } = options;
    this.#options = options;
    this.#network = network;
    this.#trained = teacher ? withDistillationHead(network, teacher.features) : network;
    this.optimizer = new OptimizerState(network, recipe, this.#trained);
  }

  async step(
    batch: readonly Example[],
    { progress, learningRate, random }: StepOptions,
  ): Promise<StepResult> {
    const { recipe, classWeights, teacher } = this.#options;
    reseedDropout(this.#network, random);
    const { photos, targets } = this.#augment(
      batch,
      resolutionAt(progress, recipe.initialResolution),
      random,
    );
    const expected = teacher?.extract(photos);
    const correct = tf.tidy(() => tf.variable(tf.scalar(0), false));
    const { value, grads } = tf.variableGrads(() => {
      const { logits, distilled } = this.#forward(photos);
      correct.assign(tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), tf.argMax(targets, 1)), 'float32')));
      const weights = classWeights && photoWeights(targets, classWeights);
      const loss = tf.reshape<tf.Rank.R0>(tf.losses.softmaxCrossEntropy(targets, logits, weights), []);
      if (!distilled || !expected) return loss;
      const distance = tf.mean(tf.squaredDifference(distilled, expected));
      return tf.add<tf.Scalar>(loss, tf.mul(distance, recipe.teacherWeight));
    }, this.optimizer.variables);
    this.optimizer.step(grads, learningRate);
    const [loss = Number.NaN] = await value.data();
    const [hits = 0] = await correct.data();
    tf.dispose([photos, targets, value, grads, correct, ...(expected ? [expected] : [])]);
    return { loss, correct: hits };
  }

  #augment(batch: readonly Example[], side: number, random: Random): Batch {
    const { classes, recipe } = this.#options;
    return tf.tidy(() => {
      const photos = augmentedTensor(batch, side, random);
      const targets = targetTensor(batch, classes, recipe.labelSmoothing);
      const mixed = mix({ photos, targets }, random);
      return { photos: mixed.photos, targets: mixed.targets };
    });
  }

  #forward(photos: tf.Tensor): { logits: tf.Tensor; distilled: tf.Tensor | undefined } {
    const outputs = this.#trained.apply(photos, { training: true });
    const [logits, distilled] = Array.isArray(outputs) ? outputs : [outputs];
    if (!(logits instanceof tf.Tensor)) throw new Error('The network must have logits.');
    return { logits, distilled: distilled instanceof tf.Tensor ? distilled : undefined };
  }

  async validate(signal: AbortSignal | undefined, when: string) {
    const { classes, validation } = this.#options;
    if (validation.length === 0) return undefined;
    const predict = interruptible(networkPredictFn(this.#network), signal, when);
    return this.optimizer.withAveragedWeights(() => evaluate(predict, classes, validation));
  }
}

/** Trains a whole network of our own, with the help of a teacher if there is one. How it is run, and resumed: see `runTrainingLoop`. */
export const trainNetwork =
  ({ network, classes, teacher: pretrained, recipe: options = {}, ...run }: TrainNetworkOptions): Trainer =>
  async (split) => {
    const recipe = withOptions(NETWORK_RECIPE, options);
    const teacher = pretrained && (await loadTeacher(pretrained.directory, split.train));
    const labels = split.train.map(({ label }) => label);
    const classWeights = recipe.balanced ? inverseFrequencyWeights(classes, labels) : undefined;
    const { validation } = split;
    const history = await runTrainingLoop({
      learner: new NetworkLearner(network, { classes, recipe, teacher, classWeights, validation }),
      items: split.train,
      settings: { teacherFeatures: teacher?.features ?? null },
      ...{ recipe, run, network, split },
    });
    const count = network.countParams();
    return {
      write: layersNetwork(network),
      history,
      parameters: { total: count, trained: count },
      side: INPUT_SIZE,
      pretrained: pretrained ? { name: pretrained.name, role: 'teacher' } : null,
    };
  };
