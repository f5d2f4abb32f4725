import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { confusionMatrix } from './report/confusion-matrix.ts';
import { type Metrics, wilsonInterval } from './report/metrics.ts';
import { modelCard } from './report/model-card.ts';
import { trainingCurves } from './report/training-curves.ts';
import type { Backend } from './runtime/backend.ts';
import { GraphRunner } from './runtime/graph-runner.ts';
import { decodeSavedModel } from './savedmodel/decode.ts';
import { encodeSavedModel } from './savedmodel/encode.ts';
import { layersNetwork } from './savedmodel/export-layers.ts';
import { buildServingGraph, type NetworkWriter } from './savedmodel/serving-graph.ts';
import { storeModel } from './savedmodel/store.ts';
import type { Dataset, Example } from './training/dataset.ts';
import { evaluate, savedModelPredictor } from './training/evaluate.ts';
import { buildNetwork } from './training/network.ts';
import { type Split, splitDataset } from './training/split.ts';
import { Teacher } from './training/teacher.ts';
import { type EpochResult, type TrainOptions, train } from './training/train.ts';
import { trainTransfer } from './transfer/train-transfer.ts';

export interface TrainModelOptions {
  readonly dataset: Dataset;
  readonly backend: Backend;
  /** Where model, model.tar.gz and report go. */
  readonly outputDirectory: string;
  readonly version: string;
  /** What the person typed, for the model card. */
  readonly command: string;
  /** Shares of each class for test and validation, and the seed of the split, the weights and the augmentation. */
  readonly split: { readonly test: number; readonly validation: number; readonly seed: number };
  /** Folder of a pretrained TensorFlow.js graph model that guides the training, and what to call it. */
  readonly teacher?: Pretrained | undefined;
  /**
   * Folder of a pretrained TensorFlow.js model, of either format, on which only a small head is trained, what to call
   * it, and where features are kept for the next time. Not together with a teacher.
   */
  readonly backbone?: (Pretrained & { readonly cacheDirectory?: string | undefined }) | undefined;
  readonly training: Pick<TrainOptions, 'epochs' | 'batchSize' | 'learningRate' | 'onStep' | 'onEpoch'>;
  readonly onSplit?: (split: Split) => void;
  /** Called while the backbone computes features. */
  readonly onFeatures?: (done: number, total: number) => void;
}

interface Pretrained {
  readonly directory: string;
  readonly name: string;
}

/** A trained network, ready to be exported. */
interface Learned {
  readonly network: NetworkWriter;
  readonly history: readonly EpochResult[];
  /** Weights of the whole network. */
  readonly parameters: number;
}

const countByClass = (labels: readonly string[], examples: readonly Example[]): number[] =>
  labels.map((_, label) => examples.filter((example) => example.label === label).length);

const writeReport = async (directory: string, metrics: Metrics): Promise<void> => {
  const files = {
    'metrics.json': `${JSON.stringify(metrics, null, 2)}\n`,
    'MODEL_CARD.md': modelCard(metrics),
    'confusion-matrix.svg': confusionMatrix(metrics.labels, metrics.test.confusion),
    'training-curves.svg': trainingCurves(metrics.history),
  };
  await mkdir(directory, { recursive: true });
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(path.join(directory, name), text)));
};

/** Trains our own network, from random weights. */
const learnFromScratch = async (options: TrainModelOptions, split: Split): Promise<Learned> => {
  const { dataset, teacher: teaching, training } = options;
  const { seed } = options.split;
  const classes = dataset.labels.length;
  const network = buildNetwork({ classes, seed });
  const teacher = teaching && (await Teacher.load(teaching.directory, split.train));
  const history = await train(network, classes, split.train, split.validation, {
    ...training,
    teacher,
    seed,
  });
  return { network: layersNetwork(network), history, parameters: network.countParams() };
};

/** Trains a head on a pretrained network. */
const learnOnBackbone = async (
  { dataset, training, onFeatures, ...options }: TrainModelOptions,
  { directory, cacheDirectory }: NonNullable<TrainModelOptions['backbone']>,
  { train, validation }: Split,
): Promise<Learned> => {
  const { network, history, parameters } = await trainTransfer({
    directory,
    classes: dataset.labels.length,
    train,
    validation,
    cacheDirectory,
    onFeatures,
    ...training,
    seed: options.split.seed,
  });
  return { network, history, parameters: parameters.total };
};

/**
 * From photos to a servable model: splits, trains, exports, measures the export on the test photos, and writes model,
 * model.tar.gz and report.
 *
 * @throws Error when a class has too few photos to be split, or the network cannot be exported
 */
export const trainModel = async (options: TrainModelOptions): Promise<Metrics> => {
  const { dataset, backend, outputDirectory, version, teacher, backbone } = options;
  const { labels } = dataset;
  if (teacher && backbone)
    throw new Error('A training has a teacher or a backbone, not both. Give one of them.');
  const split = splitDataset(dataset, options.split);
  options.onSplit?.(split);
  const started = performance.now();
  const { network, history, parameters } = await (backbone
    ? learnOnBackbone(options, backbone, split)
    : learnFromScratch(options, split));
  const seconds = (performance.now() - started) / 1000;

  const savedModel = encodeSavedModel(buildServingGraph(network, { labels, version }));
  await storeModel(outputDirectory, version, savedModel);
  const predictor = savedModelPredictor(new GraphRunner(decodeSavedModel(savedModel)));
  const { accuracy, correct, count, loss, confusion } = await evaluate(predictor, labels.length, split.test);

  const metrics: Metrics = {
    version,
    labels: [...labels],
    data: {
      train: countByClass(labels, split.train),
      validation: countByClass(labels, split.validation),
      test: countByClass(labels, split.test),
      skipped: [...dataset.skipped],
      seed: options.split.seed,
    },
    test: {
      accuracy,
      interval: wilsonInterval(correct, count),
      correct,
      count,
      loss,
      confusion: confusion.map((row) => [...row]),
    },
    training: {
      command: options.command,
      backend: backend.name === 'wasm' ? 'WebAssembly' : 'native TensorFlow',
      parameters,
      epochs: history.length,
      seconds,
      photosPerSecond: (history.length * split.train.length) / seconds,
      teacher: teacher?.name ?? null,
      ...(backbone && { backbone: backbone.name }),
    },
    bytes: savedModel.byteLength,
    history: history.map(({ epoch, trainingLoss, trainingAccuracy, validation }) => ({
      epoch,
      trainingLoss,
      trainingAccuracy,
      ...(validation && { validation: { ...validation } }),
    })),
  };
  await writeReport(outputDirectory, metrics);
  return metrics;
};
