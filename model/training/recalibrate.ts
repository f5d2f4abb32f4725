import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { canCalibrate } from '../calibration/calibrate.ts';
import type { KnownScore } from '../calibration/known-score.ts';
import { readBackgroundNodes } from '../calibration/known-score-graph.ts';
import { extractFeaturesAndLogits } from '../calibration/observe.ts';
import { MODEL_NAME, OUTPUT_NAMES } from '../contract/tensors.ts';
import type { Dataset } from '../data/dataset.ts';
import { type Split, trainValidationTestSplit } from '../data/split.ts';
import { type ModelMetrics, metricsSchema } from '../evaluation/metrics.ts';
import type { OodPhotos } from '../out-of-distribution/pictures.ts';
import { reportFiles } from '../report/files.ts';
import {
  type DecodedModel,
  decodeSavedModel,
  isNewer,
  latestVersion,
  storeModel,
  versionAt,
} from '../savedmodel/file.ts';
import { SavedModelError } from '../savedmodel/graph.ts';
import { copyNodes } from '../savedmodel/run.ts';
import { NETWORK_ENDS, type NetworkWriter } from '../savedmodel/serving-graph.ts';
import { readdirIfExists, writeFiles } from '../shared/files.ts';
import { countByClass, exportMeasured, type TrainOptions } from './train.ts';

/** The newest version of a model that `npm run train` wrote, with its report. */
interface StoredTraining {
  /** The folder with `image-classifier/<version>/` and the report. */
  readonly directory: string;
  readonly version: string;
  readonly metrics: ModelMetrics;
}

/** @throws Error if there is no version, or the report is about another one than the newest */
export const readStoredTraining = async (directory: string): Promise<StoredTraining> => {
  const folder = path.join(directory, MODEL_NAME);
  const version = latestVersion((await readdirIfExists(folder)).map(({ name }) => name));
  if (version === undefined)
    throw new Error(`There is no version of a model in ${folder}. Give the output folder of a training.`);
  const text = await readFile(path.join(directory, 'metrics.json'), 'utf8');
  const metrics = metricsSchema.parse(JSON.parse(text));
  if (metrics.version !== version) {
    throw new Error(
      `The newest version in ${folder} is ${version}, but metrics.json is about version ${metrics.version}: its split would be that of another model. Put the report of version ${version} there, or train again.`,
    );
  }
  return { directory, version, metrics };
};

interface RecalibrateOptions extends Pick<TrainOptions, 'drawn' | 'log' | 'onProgress'> {
  readonly stored: StoredTraining;
  /** The photos of its training. */
  readonly dataset: Dataset;
  /** Shares of the split, as in its training. */
  readonly shares: { readonly test: number; readonly validation: number };
  /** Other photos' Gaussian for the features of its score. @default the one in the model, if any */
  readonly background?: KnownScore['background'];
  /** Photos of other things for measuring, in addition to drawings. @default none */
  readonly unknown?: readonly OodPhotos[];
}

/** The split of the model's training. @throws Error if the photos do not match its metrics */
const originalSplit = ({ stored, dataset, shares }: RecalibrateOptions): Split => {
  const { data } = stored.metrics;
  const split = trainValidationTestSplit(dataset, { ...shares, seed: data.seed });
  const counts = countByClass(dataset.labels, split);
  const part = (['train', 'validation', 'test'] as const).find(
    (each) => `${counts[each]}` !== `${data[each]}`,
  );
  if (part)
    throw new Error(
      `The split gives other numbers of ${part} photos than the model's metrics.json. Give the folder, --test and --validation that the model was trained with.`,
    );
  return split;
};

/**
 * Copies the network of an exported model, including its weights.
 *
 * @param model a model from `buildServingGraph`
 * @throws SavedModelError if a node is missing
 */
const decodedNetwork =
  ({ nodes, signature }: DecodedModel): NetworkWriter =>
  (graph, photos) => {
    const copy = copyNodes(nodes, graph, new Map([[NETWORK_ENDS.photos, photos]]));
    const before = (end: string) => {
      const [input] = nodes.get(end)?.input ?? [];
      if (input === undefined) throw new SavedModelError(`The model has no node ${end}: train it again.`);
      return copy(input);
    };
    const [, height, width] = (signature.outputs[OUTPUT_NAMES.evidence]?.tensorShape?.dim ?? []).map(
      ({ size }) => Number(size),
    );
    return {
      features: before(NETWORK_ENDS.features),
      logits: before(NETWORK_ENDS.logits),
      ...(height && width && { map: { node: before(NETWORK_ENDS.map), height, width } }),
    };
  };

/**
 * Recalibrates a trained model without training it: reads its network, fits temperature and score to the validation
 * photos of its own split, and replaces the version with a new export. Other versions are not changed.
 *
 * @returns the new version, and its result on the test photos
 * @throws Error if the photos are not those of the training, or are too few
 */
export const recalibrate = async (
  options: RecalibrateOptions,
): Promise<Pick<ModelMetrics, 'version' | 'test'>> => {
  const { stored, dataset, unknown, drawn, log, onProgress } = options;
  const { directory, version: replaced, metrics: old } = stored;
  const split = originalSplit(options);
  const folder = path.join(directory, MODEL_NAME, replaced);
  const model = decodeSavedModel(await readFile(path.join(folder, 'saved_model.pb')));
  const now = versionAt(new Date());
  // Higher than the version that it replaces.
  const version = isNewer(now, replaced) ? now : String(BigInt(replaced) + 1n);
  const write = decodedNetwork(model);
  const { backbone, fineTuned } = old.training;
  const isHead = backbone !== null && fineTuned === undefined;
  let seen = 0;
  const onSeen = (more: number) => {
    seen += more;
    onProgress?.('Seeing the training photos again', seen, split.train.length);
  };
  const forwardTrained = isHead
    ? () => extractFeaturesAndLogits(write, split.train, undefined, onSeen)
    : undefined;
  if (!canCalibrate({ ...split, forwardTrained }))
    throw new Error('There are too few validation photos for calibration. Add photos.');
  const { savedModel, test, calibration, scores, mistakes } = await exportMeasured({
    ...{ write, forwardTrained, background: options.background ?? readBackgroundNodes(model.nodes) },
    distanceWeight: old.calibration?.distanceWeight,
    ...{ labels: old.labels, catalogue: dataset.catalogue, version, split, unknown, drawn },
    ...{ log, onProgress },
  });
  const network = old.calibration?.network ?? replaced;
  const metrics = {
    ...{ ...old, version, test, bytes: savedModel.byteLength },
    calibration: calibration && { network, ...calibration },
  };
  await storeModel(directory, version, savedModel);
  await writeFiles(
    directory,
    await reportFiles({ metrics, scores, mistakes: old.mistakes ? mistakes : undefined }),
  );
  await rm(folder, { recursive: true });
  return { version, test };
};
