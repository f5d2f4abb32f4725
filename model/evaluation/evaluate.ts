import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { INPUT_NAME, OUTPUT_NAMES } from '../contract/tensors.ts';
import { photoTensor } from '../data/augment.ts';
import type { Example } from '../data/dataset.ts';
import type { GraphRunner } from '../savedmodel/run.ts';
import { stopIfAborted } from '../shared/abort.ts';

/** Probabilities of every class for each photo. */
export type PredictFn = (examples: readonly Example[]) => Promise<readonly (readonly number[])[]>;

export interface Evaluation {
  /** Mean cross-entropy, in nats. */
  readonly loss: number;
  /** Share of photos classified correctly, 0 to 1. */
  readonly accuracy: number;
  readonly correct: number;
  readonly count: number;
  /** `confusion[truth][answer]`: photos of class `truth` that were classified as `answer`. */
  readonly confusion: readonly (readonly number[])[];
}

const BATCH = 32;

/** One list for each photo. */
export const toRows = (values: readonly number[], photos: number): number[][] => {
  const width = values.length / photos;
  return Array.from({ length: photos }, (_, row) => values.slice(row * width, (row + 1) * width));
};

/**
 * The output of a network under training, as one list per photo.
 *
 * @param forward returns the logits, float32 `[N, classes]`
 * @param finish converts the logits @default softmax
 */
export const answersOf = async (
  forward: () => unknown,
  finish: (logits: tf.Tensor2D) => tf.Tensor2D = tf.softmax,
): Promise<number[][]> => {
  const answers = tf.tidy(() => {
    const logits = forward();
    if (!(logits instanceof tf.Tensor)) throw new Error('The network must have one output.');
    return finish(tf.reshape(logits, [logits.shape[0] ?? 0, -1]));
  });
  const rows = await answers.array();
  answers.dispose();
  return rows;
};

/** Predicts with a network under training. */
export const networkPredictFn =
  (network: LayersModel): PredictFn =>
  (examples) =>
    answersOf(() => network.apply(photoTensor(examples), { training: false }));

/** An exported model's answer for a photo. */
export interface Prediction {
  /** Probabilities of all classes. */
  readonly probabilities: readonly number[];
  /** NaN for older models, which lack this output. */
  readonly knownScore: number;
}

/** The answers for all photos, in their order. */
export const predictInBatches = async <Photo, Answer>(
  predict: (batch: readonly Photo[]) => Promise<readonly Answer[]>,
  photos: readonly Photo[],
  batchSize: number,
): Promise<Answer[]> => {
  const answers: Answer[] = [];
  for (let start = 0; start < photos.length; start += batchSize)
    answers.push(...(await predict(photos.slice(start, start + batchSize))));
  return answers;
};

/**
 * Predicts with an exported model.
 *
 * @param photos uint8 RGB, `224 * 224 * 3` each
 * @param onPhotos called with the number of newly answered photos
 * @throws AbortedError if the signal is aborted
 */
export const predictPhotos = (
  runner: GraphRunner,
  photos: readonly Uint8Array[],
  signal?: AbortSignal,
  onPhotos?: (count: number) => void,
): Promise<Prediction[]> => {
  const predict = async (batch: readonly Uint8Array[]): Promise<Prediction[]> => {
    await stopIfAborted(signal, 'while the model was measured');
    const outputs = await runner.run(new Map([[INPUT_NAME, { shape: [batch.length], values: batch }]]));
    const [probabilities, scores] = [OUTPUT_NAMES.probabilities, OUTPUT_NAMES.knownScore].map((name) => {
      const output = outputs.get(name);
      return output && 'numbers' in output ? output.numbers : undefined;
    });
    if (!probabilities) throw new Error('The SavedModel must have an output with probabilities.');
    onPhotos?.(batch.length);
    return toRows(probabilities, batch.length).map((row, index) => ({
      probabilities: row,
      knownScore: scores?.[index] ?? Number.NaN,
    }));
  };
  return predictInBatches(predict, photos, BATCH);
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

/** Evaluates a model on photos that were not used for training. */
export const evaluate = async (
  predict: PredictFn,
  classes: number,
  examples: readonly Example[],
): Promise<Evaluation> => compare(await predictInBatches(predict, examples, BATCH), classes, examples);
