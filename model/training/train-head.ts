import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { Backbone, type BackboneOptions } from '../backbone/backbone.ts';
import { computeFeatures, type FeatureOptions, type Features } from '../backbone/features.ts';
import { readBackground } from '../calibration/background.ts';
import { targetTensor } from '../data/augment.ts';
import type { Example } from '../data/dataset.ts';
import type { Split } from '../data/split.ts';
import { answersOf, compare } from '../evaluation/evaluate.ts';
import {
  buildHead,
  fitStandardization,
  type HeadOptions,
  type Standardization,
  standardize,
} from '../network/head.ts';
import { reseedDropout } from '../network/layers.ts';
import { exportLayers } from '../savedmodel/export-layers.ts';
import { stopIfAborted } from '../shared/abort.ts';
import type { EpochResult } from './checkpoint.ts';
import { runTrainingLoop, type TrainingRunOptions } from './loop.ts';
import { networkVariables, OptimizerState } from './optimizer.ts';
import { HEAD_RECIPE, inverseFrequencyWeights, type RecipeOptions, withOptions } from './recipe.ts';
import type { Pretrained, TrainedNetwork } from './train.ts';

/** Photos and their features: float32 `[N, F]`. */
export interface PhotoFeatures {
  readonly examples: readonly Example[];
  readonly features: tf.Tensor2D;
}

/** Mean cross-entropy in nats, and the share of photos classified correctly. */
export const evaluateHead = async (head: LayersModel, { examples, features }: PhotoFeatures) => {
  const rows = await answersOf(() => head.apply(features, { training: false }));
  const { loss, accuracy } = compare(rows, rows[0]?.length ?? 0, examples);
  return { loss, accuracy };
};

interface TrainOnFeaturesOptions extends TrainingRunOptions {
  /** Trained in place. */
  readonly head: LayersModel;
  readonly classes: number;
  readonly train: PhotoFeatures;
  readonly validation?: PhotoFeatures | undefined;
  /** @default {@link HEAD_RECIPE} */
  readonly recipe?: RecipeOptions;
}

/**
 * Trains a head in place on fixed features. See `runTrainingLoop` for how it runs and resumes.
 *
 * @throws AbortedError if the signal is aborted
 * @throws Error if the loss is no longer a number
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
  const optimizer = new OptimizerState({ weights: networkVariables(head.weights) }, recipe);
  return runTrainingLoop<number>({
    learner: {
      optimizer,
      step: async (batch, { learningRate, random }) => {
        reseedDropout(head, random);
        const photos = batch.flatMap((index) => train.examples[index] ?? []);
        const [x, targets, weights] = tf.tidy(() => [
          tf.gather(train.features, tf.tensor1d([...batch], 'int32')),
          targetTensor(photos, classes, recipe.labelSmoothing),
          tf.tensor1d(photos.map(({ label }) => classWeights?.[label] ?? 1)),
        ]);
        const result = await optimizer.learn(targets, classWeights && weights, learningRate, () =>
          head.apply(x, { training: true }),
        );
        tf.dispose([x, targets, weights]);
        return result;
      },
      validate: async (signal, when) => {
        await stopIfAborted(signal, when);
        return validation && optimizer.withAveragedWeights(() => evaluateHead(head, validation));
      },
    },
    // Items are indices of the features.
    items: [...train.examples.keys()],
    ...{ recipe, run },
    weights: head.getWeights(),
    split: { train: train.examples, validation: validation?.examples ?? [] },
  });
};

/** A trained head to start from. */
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
   * @param key identifies the features
   * @returns undefined to start from random weights
   * @throws Error if the earlier head was trained on other features
   */
  readonly earlier?: ((key: string) => EarlierHead | undefined) | undefined;
  readonly cacheDirectory?: FeatureOptions['cacheDirectory'];
  /** Called while features are computed. */
  readonly onFeatures?: FeatureOptions['onProgress'];
}

export interface TrainedHead extends TrainedNetwork {
  /** Identifies the backbone and how it is used. */
  readonly key: string;
  readonly head: LayersModel;
  readonly standardization: Standardization;
}

/** float32 `[N, F]` */
const featureTensor = (features: Features, length: number): tf.Tensor2D => {
  const values = new Float32Array(features.length * length);
  features.forEach((row, index) => values.set(row, index * length));
  return tf.tensor2d(values, [features.length, length]);
};

/**
 * Trains a small head on the features of a pretrained network. The network is frozen, so each photo passes through it
 * only once, not once per epoch.
 *
 * @throws BackboneError if the folder has no network from which features can be extracted
 * @throws ExportError if that network cannot be exported
 * @throws AbortedError if the signal is aborted
 */
export const trainHead =
  ({ pretrained, classes, recipe = {}, cacheDirectory, onFeatures, ...options }: TrainHeadOptions) =>
  async ({ train, validation }: Split): Promise<TrainedHead> => {
    const { head: headOptions, earlier: readEarlier, backbone: backboneOptions, ...run } = options;
    const backbone = await Backbone.load(pretrained.directory, backboneOptions);
    const { key } = backbone;
    const background = await readBackground(pretrained.directory, backbone);
    const earlier = readEarlier?.(key);
    const features = await computeFeatures(backbone, [...train, ...validation], {
      cacheDirectory,
      onProgress: onFeatures,
      signal: run.signal,
    });
    const trainFeatures = features.slice(0, train.length);
    const raw = featureTensor(trainFeatures, backbone.features);
    const standardization = earlier?.standardization ?? fitStandardization(raw);
    raw.dispose();
    const { mean, scale } = standardization;
    const standardized = (extracted: Features) =>
      tf.tidy(() => standardize(featureTensor(extracted, backbone.features), standardization));
    const head =
      earlier?.build() ?? buildHead(backbone.features, classes, { ...headOptions, seed: recipe.seed });
    const trainPhotos = { examples: train, features: standardized(trainFeatures) };
    const validationPhotos = validation.length > 0 && {
      examples: validation,
      features: standardized(features.slice(train.length)),
    };
    try {
      const history = await trainOnFeatures({
        ...{ head, classes, recipe },
        ...run,
        context: [run.context, key].join(' '),
        train: trainPhotos,
        validation: validationPhotos || undefined,
      });
      return {
        write: (graph, photos) => {
          const seen = backbone.write(graph, photos);
          // The same as `standardize`.
          const weights = (name: string, values: Float32Array) =>
            graph.weights(name, values, [values.length]);
          const centred = graph.float('Sub', 'features/centred', [seen, weights('features/mean', mean)]);
          const scaled = graph.float('Mul', 'features', [centred, weights('features/scale', scale)]);
          // Not standardized: standardized features no longer distinguish photos of the classes from others.
          return { features: seen, logits: exportLayers(graph, head, scaled).logits };
        },
        history,
        parameters: { total: backbone.parameters + head.countParams(), trained: head.countParams() },
        side: backbone.side,
        backbone: pretrained.name,
        ...{ key, head, standardization, background },
        // Like `extractFeaturesAndLogits`, but with the cached features.
        forwardTrained: async () => {
          const rows = await answersOf(
            () => head.apply(standardized(trainFeatures), { training: false }),
            (logits) => logits,
          );
          return train.map(({ label }, index) => ({
            label,
            features: [...(trainFeatures[index] ?? [])],
            logits: rows[index] ?? [],
          }));
        },
      };
    } finally {
      tf.dispose([trainPhotos.features, ...(validationPhotos ? [validationPhotos.features] : [])]);
    }
  };
