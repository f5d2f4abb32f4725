import { type GraphModel, loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { PHOTO_SIDE } from '../contract/tensors.ts';
import { photoTensor } from '../data/augment.ts';
import type { Example } from '../data/dataset.ts';
import type { Guide } from '../training/trainer.ts';
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

/**
 * A network trained on millions of other photos, such as Google's MobileNet. While our own network is trained from
 * scratch it must also predict the teacher's features for the same (changed and mixed) photos, which teaches it
 * what the few photos of a small dataset cannot (Romero et al. 2015; Beyer et al. 2022). Nothing of the teacher
 * goes into the trained model.
 */
export class Teacher implements Guide {
  /** Length of a feature vector. */
  readonly features: number;
  readonly #graph: GraphModel;
  readonly #pooling: string;
  readonly #mean: tf.Tensor;
  readonly #deviation: tf.Tensor;

  private constructor(graph: GraphModel, pooling: string, sample: tf.Tensor2D) {
    this.#graph = graph;
    this.#pooling = pooling;
    this.features = sample.shape[1];
    const { mean, variance } = tf.moments(sample, 0);
    this.#mean = tf.keep(mean);
    this.#deviation = tf.keep(tf.add(tf.sqrt(variance), 1e-3));
  }

  /**
   * @param directory a TensorFlow.js graph model that takes photos `[N, 224, 224, 3]` in [0, 1], as TensorFlow Hub's do
   * @param examples photos of the dataset, whose features set the scale
   */
  static async load(directory: string, examples: readonly Example[]): Promise<Teacher> {
    const { graph, pooling } = await loadGraph(directory);
    const step = Math.max(1, Math.floor(examples.length / SAMPLE));
    const sample = examples.filter((_, index) => index % step === 0);
    const batches = Array.from({ length: Math.ceil(sample.length / BATCH) }, (_, index) =>
      tf.tidy(() =>
        rawFeatures(graph, pooling, photoTensor(sample.slice(index * BATCH, (index + 1) * BATCH))),
      ),
    );
    const teacher = new Teacher(graph, pooling, tf.concat(batches));
    tf.dispose(batches);
    return teacher;
  }

  /**
   * @param photos float32 `[N, side, side, 3]` in [-1, 1]
   * @returns float32 `[N, features]`, each about mean 0 and deviation 1
   */
  describe(photos: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => {
      const raw = rawFeatures(this.#graph, this.#pooling, photos);
      return tf.div<tf.Tensor2D>(tf.sub(raw, this.#mean), this.#deviation);
    });
  }
}

const rawFeatures = (graph: GraphModel, pooling: string, photos: tf.Tensor4D): tf.Tensor2D => {
  const resized = tf.image.resizeBilinear(photos, [PHOTO_SIDE, PHOTO_SIDE]);
  const output = graph.execute(tf.div(tf.add(resized, 1), 2), pooling);
  if (Array.isArray(output)) throw new Error('The teacher must have one pooled output.');
  return tf.reshape<tf.Rank.R2>(output, [photos.shape[0], -1]);
};
