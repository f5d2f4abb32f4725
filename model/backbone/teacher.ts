import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { PHOTO_SIDE } from '../contract/tensors.ts';
import { photoTensor } from '../data/augment.ts';
import type { Example } from '../data/dataset.ts';
import { graphDefSchema, readModelFiles } from './model-files.ts';

/** How many of the photos the features' usual size and spread are taken from. */
const SAMPLE = 512;
const BATCH = 32;

const loadGraph = async (directory: string) => {
  const { topology, weightSpecs, weightData } = await readModelFiles(directory);
  const modelTopology = graphDefSchema.safeParse(topology);
  const pooling = modelTopology.data?.node.findLast(({ op }) => op === 'Mean');
  if (!modelTopology.success || !pooling) {
    throw new Error(
      `The teacher in ${directory} cannot be used: it must be a graph model with a global pooling (Mean), from which features can be taken. Use one of TensorFlow Hub's, such as MobileNet.`,
    );
  }
  const artifacts = { modelTopology: modelTopology.data, weightSpecs, weightData };
  return { graph: await loadGraphModel(tf.io.fromMemory(artifacts)), pooling: pooling.name };
};

/** A pretrained network whose features another one must predict too. */
export interface Teacher {
  /** Length of a feature vector. */
  readonly features: number;
  /**
   * @param photos float32 `[N, side, side, 3]` in [-1, 1]
   * @returns float32 `[N, features]`, each about mean 0 and deviation 1
   */
  readonly extract: (photos: tf.Tensor4D) => tf.Tensor2D;
}

/**
 * Opens a network trained on millions of other photos, such as Google's MobileNet. While our own network is trained from
 * scratch it must also predict the teacher's features for the same (changed and mixed) photos, which teaches it what the
 * few photos of a small dataset cannot (Romero et al. 2015; Beyer et al. 2022). Nothing of the teacher goes into the
 * trained model.
 *
 * @param directory a TensorFlow.js graph model that takes photos `[N, 224, 224, 3]` in [0, 1], as TensorFlow Hub's do
 * @param examples photos of the dataset, whose features set the scale
 */
export const loadTeacher = async (directory: string, examples: readonly Example[]): Promise<Teacher> => {
  const { graph, pooling } = await loadGraph(directory);
  const rawFeatures = (photos: tf.Tensor4D): tf.Tensor2D => {
    const resized = tf.image.resizeBilinear(photos, [PHOTO_SIDE, PHOTO_SIDE]);
    const output = graph.execute(tf.div(tf.add(resized, 1), 2), pooling);
    if (Array.isArray(output)) throw new Error('The teacher must have one pooled output.');
    return tf.reshape<tf.Rank.R2>(output, [photos.shape[0], -1]);
  };
  const step = Math.max(1, Math.floor(examples.length / SAMPLE));
  const sample = examples.filter((_, index) => index % step === 0);
  const batches = Array.from({ length: Math.ceil(sample.length / BATCH) }, (_, index) =>
    tf.tidy(() => rawFeatures(photoTensor(sample.slice(index * BATCH, (index + 1) * BATCH)))),
  );
  const { mean, deviation } = tf.tidy(() => {
    const { mean, variance } = tf.moments(tf.concat(batches), 0);
    return { mean, deviation: tf.add(tf.sqrt(variance), 1e-3) };
  });
  const features = batches[0]?.shape[1] ?? 0;
  tf.dispose(batches);
  return {
    features,
    extract: (photos) => tf.tidy(() => tf.div<tf.Tensor2D>(tf.sub(rawFeatures(photos), mean), deviation)),
  };
};
