import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { INPUT_NAME, OUTPUT_NAMES } from '../contract/tensors.ts';
import { photoTensor } from '../data/augment.ts';
import type { Example } from '../data/dataset.ts';
import type { GraphRunner } from '../runtime/graph-runner.ts';
import { stopIfAborted } from '../shared/abort.ts';

/** Probabilities of every class for each photo. */
export type Predictor = (examples: readonly Example[]) => Promise<readonly (readonly number[])[]>;

export interface Evaluation {
  /** Mean cross-entropy, in nats. */
  readonly loss: number;
  /** Share of photos named rightly, 0 to 1. */
  readonly accuracy: number;
  readonly correct: number;
  readonly count: number;
  /** `confusion[truth][answer]`: photos of class `truth` that were called `answer`. */
  readonly confusion: readonly (readonly number[])[];
}

const BATCH = 32;

const rowsOf = (values: readonly number[], width: number): number[][] =>
  Array.from({ length: values.length / width }, (_, row) => values.slice(row * width, (row + 1) * width));

/** Asks a network under training. */
export const networkPredictor =
  (network: LayersModel): Predictor =>
  async (examples) => {
    const probabilities = tf.tidy(() => {
      const logits = network.apply(photoTensor(examples), { training: false });
      if (!(logits instanceof tf.Tensor)) throw new Error('The network must have one output.');
      return tf.softmax(logits);
    });
    const values = [...(await probabilities.data())];
    probabilities.dispose();
    return rowsOf(values, values.length / examples.length);
  };

/** Asks an exported SavedModel, as it will be served. */
export const savedModelPredictor =
  (runner: GraphRunner): Predictor =>
  async (examples) => {
    const photos = { shape: [examples.length], values: examples.map(({ pixels }) => pixels) };
    const output = (await runner.run(new Map([[INPUT_NAME, photos]]))).get(OUTPUT_NAMES.probabilities);
    if (!output || !('numbers' in output)) throw new Error('The SavedModel must answer with probabilities.');
    return rowsOf(output.numbers, output.numbers.length / examples.length);
  };

/** Asks before each batch whether to stop. @throws AbortedError when the signal is aborted */
export const interruptible =
  (predict: Predictor, signal: AbortSignal | undefined, when: string): Predictor =>
  async (examples) => {
    await stopIfAborted(signal, when);
    return predict(examples);
  };

/** What a model says of each example, in their order. */
export const askAll = async (
  predict: Predictor,
  examples: readonly Example[],
): Promise<readonly (readonly number[])[]> => {
  const rows: (readonly number[])[] = [];
  for (let start = 0; start < examples.length; start += BATCH)
    rows.push(...(await predict(examples.slice(start, start + BATCH))));
  return rows;
};

/** Compares answers with the truth. */
export const compare = (
  answers: readonly (readonly number[])[],
  classes: number,
  examples: readonly Pick<Example, 'label'>[],
): Evaluation => {
  const confusion = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0));
  let loss = 0;
  let correct = 0;
  examples.forEach(({ label }, index) => {
    const row = answers[index] ?? [];
    const answer = row.indexOf(Math.max(...row));
    const counts = confusion[label];
    if (counts) counts[answer] = (counts[answer] ?? 0) + 1;
    if (answer === label) correct += 1;
    loss -= Math.log(Math.max(row[label] ?? 0, 1e-7));
  });
  const count = examples.length;
  return { loss: loss / count, accuracy: correct / count, correct, count, confusion };
};

/** Measures a model on photos that were not trained on. */
export const evaluate = async (
  predict: Predictor,
  classes: number,
  examples: readonly Example[],
): Promise<Evaluation> => compare(await askAll(predict, examples), classes, examples);
