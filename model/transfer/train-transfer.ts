import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { exportLayers } from '../savedmodel/export-layers.ts';
import type { NetworkWriter } from '../savedmodel/serving-graph.ts';
import type { Example } from '../training/dataset.ts';
import type { EpochResult } from '../training/progress.ts';
import { Backbone, type BackboneOptions } from './backbone.ts';
import type { LabelledFeatures } from './evaluate-head.ts';
import { extractFeatures, type FeatureOptions, type Features, VIEW_COUNT } from './features.ts';
import { buildHead, type HeadOptions } from './head.ts';
import {
  fitStandardization,
  type Standardization,
  standardize,
  writeStandardization,
} from './standardization.ts';
import { type TrainHeadOptions, trainHead } from './train-head.ts';

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
  /** Frees the backbone and the head; the network cannot be written any more. */
  readonly dispose: () => void;
}

/** float32 `[N, views, F]` */
const featureTensor = (features: Features, length: number): tf.Tensor3D => {
  const values = new Float32Array(features.length * VIEW_COUNT * length);
  features.forEach((row, index) => values.set(row, index * VIEW_COUNT * length));
  return tf.tensor3d(values, [features.length, VIEW_COUNT, length]);
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

/**
 * Trains a small head on the features that a pretrained network sees in the photos. The network itself stays as it is,
 * so each photo goes through it once, not once an epoch.
 *
 * @throws BackboneError when there is no network in the folder that features can be taken from
 * @throws ExportError when that network could not be exported afterwards
 * @throws Stopped when the signal is aborted
 */
export const trainTransfer = async (options: TransferOptions): Promise<TransferResult> => {
  const { classes, train, validation, cacheDirectory, onFeatures, signal, seed } = options;
  const backbone = await Backbone.load(options.directory, options.backbone);
  const features = await extractFeatures(backbone, [...train, ...validation], {
    cacheDirectory,
    onProgress: onFeatures,
    signal,
  });
  const [seen, unseen] = [features.slice(0, train.length), features.slice(train.length)];
  const raw = featureTensor(seen, backbone.features);
  const standardization = fitStandardization(raw);
  raw.dispose();
  const trained = labelled(train, seen, standardization);
  const watched = validation.length > 0 ? labelled(validation, unseen, standardization) : undefined;
  const head = buildHead(backbone.features, classes, { ...options.head, seed });
  try {
    const history = await trainHead(head, classes, trained, watched, options);
    const parameters = { total: backbone.parameters + head.countParams(), trained: head.countParams() };
    const dispose = () => {
      backbone.dispose();
      head.dispose();
    };
    return { network: writer(backbone, standardization, head), history, parameters, dispose };
  } finally {
    tf.dispose([trained.features, ...(watched ? [watched.features] : [])]);
  }
};
