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
import { buildServingGraph } from './savedmodel/serving-graph.ts';
import { storeModel } from './savedmodel/store.ts';
import type { Dataset, Example } from './training/dataset.ts';
import { evaluate, savedModelPredictor } from './training/evaluate.ts';
import { buildNetwork } from './training/network.ts';
import { type Split, splitDataset } from './training/split.ts';
import { Teacher } from './training/teacher.ts';
import { type TrainOptions, train } from './training/train.ts';

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
  readonly teacher?: { readonly directory: string; readonly name: string } | undefined;
  readonly training: Pick<TrainOptions, 'epochs' | 'batchSize' | 'learningRate' | 'onStep' | 'onEpoch'>;
  readonly onSplit?: (split: Split) => void;
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

/**
 * From photos to a servable model: splits, trains, exports, measures the export on the test photos, and writes model,
 * model.tar.gz and report.
 *
 * @throws Error when a class has too few photos to be split, or the network cannot be exported
 */
export const trainModel = async (options: TrainModelOptions): Promise<Metrics> => {
  const { dataset, backend, outputDirectory, version, teacher: teaching } = options;
  const { labels } = dataset;
  const split = splitDataset(dataset, options.split);
  options.onSplit?.(split);
  const network = buildNetwork({ classes: labels.length, seed: options.split.seed });
  const teacher = teaching && (await Teacher.load(teaching.directory, split.train));
  const started = performance.now();
  const history = await train(network, labels.length, split.train, split.validation, {
    ...options.training,
    teacher,
    seed: options.split.seed,
  });
  const seconds = (performance.now() - started) / 1000;

  const savedModel = encodeSavedModel(buildServingGraph(layersNetwork(network), { labels, version }));
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
      parameters: network.countParams(),
      epochs: history.length,
      seconds,
      photosPerSecond: (history.length * split.train.length) / seconds,
      teacher: teaching?.name ?? null,
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
