import { INPUT_NAME } from '../contract/tensors.ts';
import { predictInBatches, toRows } from '../evaluation/evaluate.ts';
import { decodeSavedModel, encodeSavedModel } from '../savedmodel/file.ts';
import { GraphRunner } from '../savedmodel/run.ts';
import { buildFeaturesGraph, type NetworkWriter } from '../savedmodel/serving-graph.ts';
import { stopIfAborted } from '../shared/abort.ts';

/** A network's output for a labelled photo. */
export interface FeaturesAndLogits {
  /** Index of the true class. */
  readonly label: number;
  /** `[F]` */
  readonly features: readonly number[];
  /** `[C]` */
  readonly logits: readonly number[];
}

/** A photo in the format of the model's input, with the index of its true class. */
export interface LabelledPhoto {
  readonly label: number;
  readonly pixels: Uint8Array;
}

const BATCH = 16;

/**
 * Runs photos through the network as it will be exported, including rounded weights.
 *
 * @param onPhotos called with the number of newly processed photos
 * @throws AbortedError if the signal is aborted
 */
export const extractFeaturesAndLogits = async (
  write: NetworkWriter,
  photos: readonly LabelledPhoto[],
  signal?: AbortSignal,
  onPhotos?: (count: number) => void,
): Promise<FeaturesAndLogits[]> => {
  const runner = new GraphRunner(decodeSavedModel(encodeSavedModel(buildFeaturesGraph(write))));
  const extract = async (batch: readonly LabelledPhoto[]): Promise<FeaturesAndLogits[]> => {
    await stopIfAborted(signal, 'while the model was calibrated');
    const input = { shape: [batch.length], values: batch.map(({ pixels }) => pixels) };
    const outputs = await runner.run(new Map([[INPUT_NAME, input]]));
    onPhotos?.(batch.length);
    const [features = [], logits = []] = ['features', 'logits'].map((name) => {
      const output = outputs.get(name);
      if (!output || !('numbers' in output)) throw new Error(`The network must have the output ${name}.`);
      return toRows(output.numbers, batch.length);
    });
    return batch.map(({ label }, index) => ({
      label,
      features: features[index] ?? [],
      logits: logits[index] ?? [],
    }));
  };
  try {
    return await predictInBatches(extract, photos, BATCH);
  } finally {
    runner.dispose();
  }
};
