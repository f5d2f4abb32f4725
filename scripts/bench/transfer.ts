import * as tf from '@tensorflow/tfjs-core';
import { Backbone } from '../../model/backbone/backbone.ts';
import { readDataset } from '../../model/data/dataset.ts';
import { trainValidationTestSplit } from '../../model/data/split.ts';
import { compare, evaluate, savedModelPredictFn } from '../../model/evaluation/evaluate.ts';
import { decodeSavedModel, encodeSavedModel } from '../../model/savedmodel/file.ts';
import { GraphRunner } from '../../model/savedmodel/run.ts';
import { buildServingGraph } from '../../model/savedmodel/serving-graph.ts';
import { trainHead } from '../../model/training/train-head.ts';
import { classify, ORIGINAL, trainAsOriginal } from './original-recipe.ts';

const timed = async <T>(work: () => Promise<T>): Promise<{ result: T; seconds: number }> => {
  const started = performance.now();
  const result = await work();
  return { result, seconds: (performance.now() - started) / 1000 };
};

/** The first use of a backbone compiles kernels, which is nobody's training. */
const warmUp = (backbone: Backbone): void =>
  tf.tidy(() => void backbone.extract(tf.zeros([1, 224, 224, 3])).dataSync());

/**
 * Transfer learning against the original's recipe, on the same backbone and the same photos, both from decoded photos to
 * a trained head and for as many epochs.
 *
 * @param flowers folder with one folder of photos per class
 * @param directory folder of the backbone
 */
export const benchTransfer = async (flowers: string, directory: string): Promise<void> => {
  const dataset = await readDataset(flowers);
  const classes = dataset.labels.length;
  const split = trainValidationTestSplit(dataset);
  const plain = await Backbone.load(directory, { featureLevels: 1, side: 224 });
  warmUp(plain);
  const original = await timed(() => trainAsOriginal(plain, classes, split));
  const { accuracy } = compare(await classify(plain, original.result, split.test), classes, split.test);
  process.stdout.write(
    `\nTransfer learning on ${split.train.length} photos, ${ORIGINAL.epochs} epochs:\n` +
      `  the original's recipe   ${original.seconds.toFixed(1).padStart(6)} s   ${(100 * accuracy).toFixed(1)} % of ${split.test.length} test photos\n`,
  );
  for (const epochs of [ORIGINAL.epochs, 60]) {
    const ours = await timed(() =>
      trainHead({ pretrained: { directory, name: '' }, classes, recipe: { epochs } })(split),
    );
    const model = encodeSavedModel(
      buildServingGraph(ours.result.write, { labels: dataset.labels, version: '1' }),
    );
    const predict = savedModelPredictFn(new GraphRunner(decodeSavedModel(model)));
    const tested = await evaluate(predict, classes, split.test);
    process.stdout.write(
      `  ours, ${String(epochs).padStart(2)} epochs         ${ours.seconds.toFixed(1).padStart(6)} s   ${(100 * tested.accuracy).toFixed(1)} %   ${(original.seconds / ours.seconds).toFixed(1)}x faster\n`,
    );
    ours.result.dispose();
  }
};
