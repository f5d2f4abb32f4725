import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { Backbone, type BackboneOptions } from '../backbone/backbone.ts';
import { computeFeatures, type FeatureOptions, type Features } from '../backbone/features.ts';
import type { FeaturesAndLogits } from '../calibration/observe.ts';
import type { Example } from '../data/dataset.ts';
import type { Split } from '../data/split.ts';
import { compare } from '../evaluation/evaluate.ts';
import {
  buildHead,
  fitStandardization,
  type HeadOptions,
  type Standardization,
  standardize,
} from '../network/head.ts';
import { reseedDropout } from '../network/layers.ts';
import { exportLayers } from '../savedmodel/export-layers.ts';
import type { Graph, Node } from '../savedmodel/graph.ts';
import type { NetworkWriter } from '../savedmodel/serving-graph.ts';
import { stopIfAborted } from '../shared/abort.ts';
import type { EpochResult } from './checkpoint.ts';
import {
  type Learner,
  runTrainingLoop,
  type StepOptions,
  type StepResult,
  type TrainingRunOptions,
} from './loop.ts';
import { networkVariables, OptimizerState } from './optimizer.ts';
import {
  HEAD_RECIPE,
  inverseFrequencyWeights,
  type Recipe,
  type RecipeOptions,
  withOptions,
} from './recipe.ts';
import type { Pretrained, TrainedNetwork } from './train.ts';

/** Photos, and their features on a backbone: float32 `[N, F]`. */
export interface PhotoFeatures {
  readonly examples: readonly Example[];
  readonly features: tf.Tensor2D;
}

/** Logits of every photo at once: float32 `[N, classes]`. */
const logitsTensor = (head: LayersModel, features: tf.Tensor2D): tf.Tensor2D => {
  const logits = head.apply(features, { training: false });
  if (!(logits instanceof tf.Tensor)) throw new Error('The head must have one output.');
  return tf.reshape(logits, [features.shape[0], -1]);
};

/** Mean cross-entropy in nats, and the share of photos classified correctly. */
export const evaluateHead = async (head: LayersModel, { examples, features }: PhotoFeatures) => {
  const probabilities = tf.tidy(() => tf.softmax<tf.Tensor2D>(logitsTensor(head, features)));
  const rows = await probabilities.array();
  probabilities.dispose();
  const { loss, accuracy } = compare(rows, rows[0]?.length ?? 0, examples);
  return { loss, accuracy };
};

interface HeadLearnerOptions {
  readonly classes: number;
  readonly recipe: Recipe;
  /** How much a photo of each class counts in the loss. Absent: all the same. */
  readonly classWeights: readonly number[] | undefined;
  readonly train: PhotoFeatures;
  readonly validation: PhotoFeatures | undefined;
}

/** Trains a head on features that stay as they are. It learns from photos by their indices among the features. */
class HeadLearner implements Learner<number> {
  readonly #head: LayersModel;
  readonly #options: HeadLearnerOptions;
  readonly optimizer: OptimizerState;

  constructor(head: LayersModel, options: HeadLearnerOptions) {
    this.#head = head;
    this.#options = options;
    this.optimizer = new OptimizerState({ weights: networkVariables(head.weights) }, options.recipe);
  }

  async step(batch: readonly number[], { learningRate, random }: StepOptions): Promise<StepResult> {
    const { features, examples } = this.#options.train;
    reseedDropout(this.#head, random);
    const correct = tf.tidy(() => tf.variable(tf.scalar(0), false));
    const results = tf.tidy(() => {
      const x = tf.gather(features, tf.tensor1d([...batch], 'int32'));
      const truth = tf.tensor1d(
        batch.map((index) => examples[index]?.label ?? 0),
        'int32',
      );
      const { value, grads } = tf.variableGrads(() => {
        const logits = this.#head.apply(x, { training: true });
        if (!(logits instanceof tf.Tensor)) throw new Error('The head must have one output.');
        correct.assign(tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), truth), 'float32')));
        return this.#loss(truth, logits);
      }, this.optimizer.variables);
      this.optimizer.step(grads, learningRate);
      return tf.stack([value, correct]);
    });
    const [loss = Number.NaN, hits = 0] = await results.data();
    tf.dispose([results, correct]);
    return { loss, correct: hits };
  }

  #loss(truth: tf.Tensor1D, logits: tf.Tensor): tf.Scalar {
    const { classes, recipe, classWeights } = this.#options;
    const oneHot = tf.reshape(tf.oneHot(truth, classes), logits.shape);
    const targets = tf.add(tf.mul(oneHot, 1 - recipe.labelSmoothing), recipe.labelSmoothing / classes);
    const weights = classWeights && tf.gather(tf.tensor1d([...classWeights]), truth);
    return tf.reshape<tf.Rank.R0>(tf.losses.softmaxCrossEntropy(targets, logits, weights), []);
  }

  async validate(signal: AbortSignal | undefined, when: string) {
    const { validation } = this.#options;
    await stopIfAborted(signal, when);
    return validation && this.optimizer.withAveragedWeights(() => evaluateHead(this.#head, validation));
  }
}

interface TrainOnFeaturesOptions extends TrainingRunOptions {
  /** Trained in place. */
  readonly head: LayersModel;
  /** Width of the head's output. */
  readonly classes: number;
  readonly train: PhotoFeatures;
  /** Absent: there are no validation photos. */
  readonly validation?: PhotoFeatures | undefined;
  /** @default {@link HEAD_RECIPE} */
  readonly recipe?: RecipeOptions;
}

/**
 * Trains a head in place, on features that stay as they are. How it is run, and resumed: see `runTrainingLoop`.
 *
 * @throws AbortedError when the signal is aborted
 * @throws Error when the loss is no longer a number
 */
export const trainOnFeatures = ({
  head,
  classes,
  train,
  validation,
  recipe: options = {},
  ...run
}: TrainOnFeaturesOptions): Promise<readonly EpochResult[]> => {
  const recipe = withOptions(HEAD_RECIPE, options);
  const labels = train.examples.map(({ label }) => label);
  const classWeights = recipe.balanced ? inverseFrequencyWeights(classes, labels) : undefined;
  return runTrainingLoop({
    learner: new HeadLearner(head, { classes, recipe, classWeights, train, validation }),
    items: [...train.examples.keys()],
    ...{ recipe, run },
    weights: head.getWeights(),
    split: { train: train.examples, validation: validation?.examples ?? [] },
  });
};

/** A head that was trained before, to start from. */
export interface EarlierHead {
  readonly standardization: Standardization;
  readonly build: () => LayersModel;
}

export interface TrainHeadOptions extends TrainingRunOptions {
  /** The backbone: `model.json` and its weights. */
  readonly pretrained: Pretrained;
  /** Width of the head's output. */
  readonly classes: number;
  /** @default {@link HEAD_RECIPE} */
  readonly recipe?: RecipeOptions;
  readonly backbone?: BackboneOptions | undefined;
  readonly head?: Omit<HeadOptions, 'seed'> | undefined;
  /**
   * @param key what decides the features
   * @returns undefined to start from random weights
   * @throws Error when the earlier head was trained on other features
   */
  readonly earlier?: ((key: string) => EarlierHead | undefined) | undefined;
  readonly cacheDirectory?: FeatureOptions['cacheDirectory'];
  /** Called while features are computed. */
  readonly onFeatures?: FeatureOptions['onProgress'];
}

/** A trained head on its backbone. */
export interface TrainedHead extends TrainedNetwork {
  /** Names the backbone and how it is used. */
  readonly key: string;
  readonly head: LayersModel;
  readonly standardization: Standardization;
  /** Frees the backbone and the head; the network cannot be written any more. */
  readonly dispose: () => void;
}

/** float32 `[N, F]` */
const featureTensor = (features: Features, length: number): tf.Tensor2D => {
  const values = new Float32Array(features.length * length);
  features.forEach((row, index) => values.set(row, index * length));
  return tf.tensor2d(values, [features.length, length]);
};

const standardizedTensor = (features: Features, standardization: Standardization): tf.Tensor2D =>
  tf.tidy(() => standardize(featureTensor(features, standardization.mean.length), standardization));

const standardizationOf = (features: Features, length: number): Standardization => {
  const raw = featureTensor(features, length);
  const standardization = fitStandardization(raw);
  raw.dispose();
  return standardization;
};

/** Writes the same as `standardize`. */
const writeStandardization = (graph: Graph, features: Node, { mean, scale }: Standardization): Node => {
  const centred = graph.float('Sub', 'features/centred', [
    features,
    graph.weights('features/mean', mean, [mean.length]),
  ]);
  return graph.float('Mul', 'features', [centred, graph.weights('features/scale', scale, [scale.length])]);
};

const headWriter =
  (backbone: Backbone, standardization: Standardization, head: LayersModel): NetworkWriter =>
  (graph, photos) => {
    const features = backbone.write(graph, photos);
    const standardized = writeStandardization(graph, features, standardization);
    // As the backbone made them: standardized, they no longer tell photos of the classes from others.
    return { features, logits: exportLayers(graph, head, standardized).logits };
  };

/** What a head makes of photos whose features are known: as `observe`, without the backbone's work. */
const forwardHead = async (
  head: LayersModel,
  { examples, features }: PhotoFeatures,
  raw: Features,
): Promise<FeaturesAndLogits[]> => {
  const logits = tf.tidy(() => logitsTensor(head, features));
  const rows = await logits.array();
  logits.dispose();
  return examples.map(({ label }, index) => ({
    label,
    features: [...(raw[index] ?? [])],
    logits: rows[index] ?? [],
  }));
};

const trainOnBackbone = async (
  backbone: Backbone,
  { train, validation }: Split,
  { pretrained, classes, recipe = {}, cacheDirectory, onFeatures, ...options }: TrainHeadOptions,
): Promise<TrainedHead> => {
  const { head: headOptions, earlier: readEarlier, backbone: _, ...run } = options;
  const { key } = backbone;
  const earlier = readEarlier?.(key);
  const features = await computeFeatures(backbone, [...train, ...validation], {
    cacheDirectory,
    onProgress: onFeatures,
    signal: run.signal,
  });
  const [trainFeatures, validationFeatures] = [features.slice(0, train.length), features.slice(train.length)];
  const standardization = earlier?.standardization ?? standardizationOf(trainFeatures, backbone.features);
  const head =
    earlier?.build() ?? buildHead(backbone.features, classes, { ...headOptions, seed: recipe.seed });
  const photos = (examples: readonly Example[], extracted: Features): PhotoFeatures => ({
    examples,
    features: standardizedTensor(extracted, standardization),
  });
  const trainPhotos = photos(train, trainFeatures);
  const validationPhotos = validation.length > 0 ? photos(validation, validationFeatures) : undefined;
  try {
    const history = await trainOnFeatures({
      ...{ head, classes, recipe },
      ...run,
      context: [run.context, key].join(' '),
      train: trainPhotos,
      validation: validationPhotos,
    });
    return {
      write: headWriter(backbone, standardization, head),
      history,
      parameters: { total: backbone.parameters + head.countParams(), trained: head.countParams() },
      side: backbone.side,
      backbone: pretrained.name,
      ...{ key, head, standardization },
      forwardTrained: async () => {
        const again = photos(train, trainFeatures);
        try {
          return await forwardHead(head, again, trainFeatures);
        } finally {
          again.features.dispose();
        }
      },
      dispose: () => {
        backbone.dispose();
        head.dispose();
      },
    };
  } catch (error) {
    head.dispose();
    throw error;
  } finally {
    tf.dispose([trainPhotos.features, ...(validationPhotos ? [validationPhotos.features] : [])]);
  }
};

/**
 * Trains a small head on the features of a pretrained network. The network itself stays as it is, so each photo goes
 * through it once, not once an epoch.
 *
 * @throws BackboneError when there is no network in the folder that features can be taken from
 * @throws ExportError when that network could not be exported afterwards
 * @throws AbortedError when the signal is aborted
 */
export const trainHead =
  (options: TrainHeadOptions) =>
  async (split: Split): Promise<TrainedHead> => {
    const backbone = await Backbone.load(options.pretrained.directory, options.backbone);
    try {
      return await trainOnBackbone(backbone, split, options);
    } catch (error) {
      backbone.dispose();
      throw error;
    }
  };
