import { INPUT_NAME } from '../contract/tensors.ts';
import { GraphRunner, type Output } from '../runtime/graph-runner.ts';
import { decodeSavedModel } from '../savedmodel/decode.ts';
import { encodeSavedModel } from '../savedmodel/encode.ts';
import { buildObservationGraph, type NetworkWriter } from '../savedmodel/serving-graph.ts';
import { stopIfAborted } from '../shared/abort.ts';

/** What a network makes of a photo. */
export interface Observation {
  /** Index of the true class. */
  readonly label: number;
  /** `[F]`: mean over the views of the photo. */
  readonly features: readonly number[];
  /** Of each view of the photo, `[C]`: as it is, and mirrored if that was looked at too. */
  readonly logits: readonly (readonly number[])[];
}

/** A photo as the model reads it, and the index of its true class. */
export interface LabelledPhoto {
  readonly label: number;
  readonly pixels: Uint8Array;
}

const BATCH = 16;

const rows = (output: Output | undefined, count: number): number[][] => {
  if (!output || !('numbers' in output)) throw new Error('The observed network has no such output.');
  const width = output.numbers.length / count;
  return Array.from({ length: count }, (_, row) => output.numbers.slice(row * width, (row + 1) * width));
};

/**
 * Runs photos through the network as it will be exported, weights rounded and all.
 *
 * @throws Stopped when the signal is aborted
 */
export const observe = async (
  write: NetworkWriter,
  photos: readonly LabelledPhoto[],
  signal?: AbortSignal,
): Promise<Observation[]> => {
  const runner = new GraphRunner(decodeSavedModel(encodeSavedModel(buildObservationGraph(write))));
  const observations: Observation[] = [];
  for (let start = 0; start < photos.length; start += BATCH) {
    await stopIfAborted(signal, 'while the model was calibrated');
    const batch = photos.slice(start, start + BATCH);
    const input = { shape: [batch.length], values: batch.map(({ pixels }) => pixels) };
    const outputs = await runner.run(new Map([[INPUT_NAME, input]]));
    const features = rows(outputs.get('features'), batch.length);
    const logits = rows(outputs.get('logits'), 2 * batch.length);
    batch.forEach(({ label }, index) => {
      const views = [logits[index] ?? [], logits[index + batch.length] ?? []];
      observations.push({ label, features: features[index] ?? [], logits: views });
    });
  }
  runner.dispose();
  return observations;
};
