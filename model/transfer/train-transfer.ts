import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { FeaturesAndLogits } from '../calibration/observe.ts';
import { exportLayers } from '../savedmodel/export-layers.ts';
import type { NetworkWriter } from '../savedmodel/serving-graph.ts';
import type { Example } from '../training/dataset.ts';
import type { EpochResult } from '../training/progress.ts';
import { Backbone, type BackboneOptions } from './backbone.ts';
import type { LabelledFeatures } from './evaluate-head.ts';
import { extractFeatures, type FeatureOptions, type Features } from './features.ts';
import { buildHead, type HeadOptions } from './head.ts';
import { observeHead } from './observe-head.ts';
import {
  fitStandardization,
  type Standardization,
  standardize,
  writeStandardization,
} from './standardization.ts';
import { type DescribedPhotos, type TrainHeadOptions, trainHead } from './train-head.ts';

/** A head that was trained before, to go on from. */
export interface EarlierHead {
  readonly standardization: Standardization;
  /** @param features length of a feature vector */
  readonly build: (features: number) => LayersModel;
}

export interface TransferOptions extends TrainHeadOptions {
  /** Folder of the pretrained network: `model.json` and its weights. */
  readonly directory: string;
  /** Classes to be told apart. */
  readonly classes: number;
  readonly train: readonly Example[];
  /** Photos that are not trained on; may be none. */
  readonly validation: readonly Example[];
  readonly backbone?: BackboneOptions | undefined;
  readonly head?: Omit<HeadOptions, 'seed'> | undefined;
  /**
   * @param key what decides the features
   * @returns nothing to start from random weights
   * @throws Error when the earlier head was trained on other features
   */
  readonly earlier?: ((key: string) => EarlierHead | undefined) | undefined;
  readonly cacheDirectory?: FeatureOptions['cacheDirectory'];
  /** Called while features are computed. */
  readonly onFeatures?: FeatureOptions['onProgress'];
}

/** A trained head on its backbone. */
export interface TransferResult {
  /** The whole network, for `buildServingGraph`; its features are what the head sees of a photo. */
  readonly network: NetworkWriter;
  readonly history: readonly EpochResult[];
  /** Weights of backbone and head together, and how many of them were trained. */
  readonly parameters: { readonly total: number; readonly trained: number };
  /** Side of the photos that the backbone sees, in pixels. */
  readonly side: number;
  /** Names the backbone and how it is used. */
  readonly key: string;
  readonly head: LayersModel;
  readonly standardization: Standardization;
  /** What the network makes of the photos that were trained on, from the features that are known already. */
  readonly observeTrained: () => Promise<readonly FeaturesAndLogits[]>;
  /** Frees the backbone and the head; the network cannot be written any more. */
  readonly dispose: () => void;
}

/** float32 `[N, F]` */
const featureTensor = (features: Features, length: number): tf.Tensor2D => {
  const values = new Float32Array(features.length * length);
  features.forEach((row, index) => values.set(row, index * length));
  return tf.tensor2d(values, [features.length, length]);
};

const labelled = (
  examples: readonly Example[],
  features: Features,
  standardization: Standardization,
): LabelledFeatures => ({
  features: tf.tidy(() => standardize(featureTensor(features, standardization.mean.length), standardization)),
  labels: examples.map(({ label }) => label),
});

const writer =
  (backbone: Backbone, standardization: Standardization, head: LayersModel): NetworkWriter =>
  (graph, photos) => {
    const features = writeStandardization(graph, backbone.write(graph, photos), standardization);
    return { features, logits: exportLayers(graph, head, features).logits };
  };

const standardizationOf = (features: Features, length: number): Standardization => {
  const raw = featureTensor(features, length);
  const standardization = fitStandardization(raw);
  raw.dispose();
  return standardization;
};

/**
 * Trains a small head on the features that a pretrained network sees in the photos. The network itself stays as it is,
 * so each photo goes through it once, not once an epoch.
 *
 * @throws BackboneError when there is no network in the folder that features can be taken from
 * @throws ExportError when that network could not be exported afterwards
 * @throws Stopped when the signal is aborted
 */
export const trainTransfer = async (options: TransferOptions): Promise<TransferResult> => {
  const backbone = await Backbone.load(options.directory, options.backbone);
  try {
    return await trainOn(backbone, options);
  } catch (error) {
    backbone.dispose();
    throw error;
  }
};

const trainOn = async (backbone: Backbone, options: TransferOptions): Promise<TransferResult> => {
  const { classes, train, validation, cacheDirectory, onFeatures, signal, seed } = options;
  const earlier = options.earlier?.(backbone.key);
  const features = await extractFeatures(backbone, [...train, ...validation], {
    cacheDirectory,
    onProgress: onFeatures,
    signal,
  });
  const [seen, unseen] = [features.slice(0, train.length), features.slice(train.length)];
  const standardization = earlier?.standardization ?? standardizationOf(seen, backbone.features);
  const head =
    earlier?.build(backbone.features) ?? buildHead(backbone.features, classes, { ...options.head, seed });
  const described = (examples: readonly Example[], of: Features): DescribedPhotos => ({
    examples,
    described: labelled(examples, of, standardization),
  });
  const trained = described(train, seen);
  const watched = validation.length > 0 ? described(validation, unseen) : undefined;
  try {
    const context = [options.context, backbone.key].join(' ');
    const history = await trainHead(head, classes, trained, watched, { ...options, context });
    return {
      network: writer(backbone, standardization, head),
      history,
      parameters: { total: backbone.parameters + head.countParams(), trained: head.countParams() },
      side: backbone.side,
      key: backbone.key,
      head,
      standardization,
      observeTrained: async () => {
        const again = labelled(train, seen, standardization);
        try {
          return await observeHead(head, again);
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
    tf.dispose([trained.described.features, ...(watched ? [watched.described.features] : [])]);
  }
};
