import { type Metrics, wilsonInterval } from '../../report/metrics.ts';
import type { Backend } from '../../runtime/backend.ts';
import { GraphRunner } from '../../runtime/graph-runner.ts';
import { decodeSavedModel } from '../../savedmodel/decode.ts';
import { encodeSavedModel } from '../../savedmodel/encode.ts';
import { buildServingGraph, type NetworkWriter } from '../../savedmodel/serving-graph.ts';
import type { Dataset, Example } from '../../training/dataset.ts';
import { evaluate, savedModelPredictor } from '../../training/evaluate.ts';
import type { Split } from '../../training/split.ts';
import { interruptible } from '../../training/stop.ts';
import type { EpochResult } from '../../training/train.ts';

/** A network that is trained, in whatever way. */
export interface TrainedNetwork {
  readonly write: NetworkWriter;
  /** At least one epoch. */
  readonly history: readonly EpochResult[];
  readonly parameters: number;
  /** The pretrained network that helped, if any. */
  readonly teacher: string | null;
}

export interface LearnOptions {
  readonly dataset: Pick<Dataset, 'labels' | 'skipped'>;
  readonly split: Split;
  /** Learns from the training photos, and watches the validation photos. */
  readonly train: (split: Split) => Promise<TrainedNetwork>;
  readonly backend: Backend;
  readonly version: string;
  /** For the model card: how to do the same again. */
  readonly command: string;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Learned {
  readonly savedModel: Uint8Array;
  readonly metrics: Metrics;
}

const countByClass = (labels: readonly string[], examples: readonly Example[]): number[] =>
  labels.map((_, label) => examples.filter((example) => example.label === label).length);

/** Trains on photos that are already divided, exports the network, and measures the export on the test photos. */
export const learn = async (options: LearnOptions): Promise<Learned> => {
  const { dataset, split, backend, version, seed } = options;
  const { labels } = dataset;
  const { write, history, parameters, teacher } = await options.train(split);
  const seconds = history.reduce((sum, epoch) => sum + epoch.seconds, 0);
  const savedModel = encodeSavedModel(buildServingGraph(write, { labels, version }));
  const predict = savedModelPredictor(new GraphRunner(decodeSavedModel(savedModel)));
  const asked = interruptible(predict, options.signal, 'while the model was tested');
  const { confusion, ...tested } = await evaluate(asked, labels.length, split.test);
  const metrics: Metrics = {
    version,
    labels: [...labels],
    data: {
      train: countByClass(labels, split.train),
      validation: countByClass(labels, split.validation),
      test: countByClass(labels, split.test),
      skipped: [...dataset.skipped],
      seed,
    },
    test: {
      ...tested,
      interval: wilsonInterval(tested.correct, tested.count),
      confusion: confusion.map((row) => [...row]),
    },
    training: {
      command: options.command,
      backend: backend.name === 'wasm' ? 'WebAssembly' : 'native TensorFlow',
      parameters,
      epochs: history.length,
      seconds,
      photosPerSecond: (history.length * split.train.length) / seconds,
      teacher,
    },
    bytes: savedModel.byteLength,
    history: history.map(({ epochs, seconds, ...epoch }) => epoch),
  };
  return { savedModel, metrics };
};
