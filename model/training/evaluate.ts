import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Example } from './dataset.ts';
import { photoTensor } from './tensors.ts';

export interface Evaluation {
  /** Mean cross-entropy, in nats. */
  readonly loss: number;
  /** Share of photos named rightly, 0 to 1. */
  readonly accuracy: number;
  readonly correct: number;
  readonly count: number;
  /** `confusion[truth][answer]`: photos of class `truth` that were called `answer`. */
  readonly confusion: readonly (readonly number[])[];
  /** For each photo, in the order given: probabilities of every class. */
  readonly probabilities: readonly (readonly number[])[];
}

const BATCH = 32;

/** @returns float32 `[N, classes]`: probabilities of each class. */
const probabilitiesOf = (network: LayersModel, examples: readonly Example[]): tf.Tensor =>
  tf.tidy(() => {
    const photos = photoTensor(examples);
    const outputs = network.apply(photos, { training: false });
    if (!(outputs instanceof tf.Tensor)) throw new Error('The network must have one output.');
    return tf.softmax(outputs);
  });

/** Classifies photos that the network was not trained on. */
export const evaluate = async (
  network: LayersModel,
  classes: number,
  examples: readonly Example[],
): Promise<Evaluation> => {
  const probabilities: number[][] = [];
  for (let start = 0; start < examples.length; start += BATCH) {
    const batch = probabilitiesOf(network, examples.slice(start, start + BATCH));
    const values = [...(await batch.data())];
    for (let row = 0; row * classes < values.length; row++) {
      probabilities.push(values.slice(row * classes, (row + 1) * classes));
    }
    batch.dispose();
  }
  return summarize(examples, classes, probabilities);
};

const summarize = (
  examples: readonly Example[],
  classes: number,
  probabilities: readonly (readonly number[])[],
): Evaluation => {
  const confusion = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0));
  let loss = 0;
  let correct = 0;
  examples.forEach(({ label }, index) => {
    const row = probabilities[index] ?? [];
    const answer = row.indexOf(Math.max(...row));
    const counts = confusion[label];
    if (counts) counts[answer] = (counts[answer] ?? 0) + 1;
    if (answer === label) correct += 1;
    loss -= Math.log(Math.max(row[label] ?? 0, 1e-7));
  });
  const count = examples.length;
  return { loss: loss / count, accuracy: correct / count, correct, count, confusion, probabilities };
};
