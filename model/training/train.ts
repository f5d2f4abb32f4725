import type { Backend } from '../backend/backend.ts';
import { type Calibration, calibrate, canCalibrate, WITHOUT_BACKGROUND } from '../calibration/calibrate.ts';
import type { KnownScore } from '../calibration/known-score.ts';
import { measureCalibration } from '../calibration/measure.ts';
import type { FeaturesAndLogits } from '../calibration/observe.ts';
import type { Accuracy, Catalogue } from '../contract/catalogue.ts';
import type { Dataset, Example } from '../data/dataset.ts';
import type { Split } from '../data/split.ts';
import { compare, predictPhotos } from '../evaluation/evaluate.ts';
import type { ModelMetrics } from '../evaluation/metrics.ts';
import { wilsonInterval } from '../evaluation/statistics.ts';
import { drawKinds, type OodPhotos } from '../out-of-distribution/pictures.ts';
import type { Mistake } from '../report/contact-sheet.ts';
import type { ReportInput } from '../report/files.ts';
import { decodeSavedModel, encodeSavedModel } from '../savedmodel/file.ts';
import { GraphRunner } from '../savedmodel/run.ts';
import { buildServingGraph, type NetworkWriter } from '../savedmodel/serving-graph.ts';
import type { ReportProgress } from '../shared/progress.ts';
import type { EpochResult } from './checkpoint.ts';

/** A pretrained TensorFlow.js model. */
export interface Pretrained {
  /** Holds `model.json` and its weights. */
  readonly directory: string;
  /** Its name in reports. */
  readonly name: string;
}

/** A trained network, whatever the strategy. */
export interface TrainedNetwork {
  readonly write: NetworkWriter;
  /** At least one epoch. */
  readonly history: readonly EpochResult[];
  /** Number of weights in the whole network, and of those that were trained. */
  readonly parameters: { readonly total: number; readonly trained: number };
  /** Side of the network's input square, in pixels. */
  readonly side: number;
  /** The name of the backbone, if any. */
  readonly backbone: string | null;
  /** How many of the backbone's last blocks were trained, if any. */
  readonly fineTuned?: number;
  /** Weight of the feature distance in the in-distribution score: see `DISTANCE_WEIGHTS`. */
  readonly distanceWeight?: number | undefined;
  /** Its outputs for the training photos, if its features did not learn from them. */
  readonly forwardTrained?: (() => Promise<readonly FeaturesAndLogits[]>) | undefined;
  /** Other photos' Gaussian for its features, if they did not learn from any photo and there is one. */
  readonly background?: KnownScore['background'];
}

/** A strategy: trains on the training photos and validates on the validation photos. See `trainNetwork`, `trainHead`, `fineTune`. */
export type Trainer = (split: Split) => Promise<TrainedNetwork>;

interface ExportOptions
  extends Pick<TrainedNetwork, 'write' | 'forwardTrained' | 'distanceWeight' | 'background'> {
  readonly labels: readonly string[];
  readonly catalogue?: Catalogue | undefined;
  readonly version: string;
  readonly split: Split;
  /** Pictures of other things, besides the drawn ones. @default none */
  readonly unknown?: readonly OodPhotos[] | undefined;
  /** Pictures to draw of each kind. @default 30 */
  readonly drawn?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Receives messages about progress. */
  readonly log?: ((text: string) => void) | undefined;
  /** Called while the model is calibrated and measured. */
  readonly onProgress?: ReportProgress | undefined;
}

/** An exported model, and its outputs for the test photos. */
interface MeasuredExport {
  readonly savedModel: Uint8Array;
  readonly test: ModelMetrics['test'];
  /** Absent, like the scores, when there were too few photos to calibrate with. */
  readonly calibration?: ModelMetrics['calibration'];
  readonly scores?: ReportInput['scores'];
  /** Misclassified test photos. */
  readonly mistakes: readonly Mistake[];
}

/**
 * Calibrates a trained network if there are enough validation photos, exports it, and measures the export on the test
 * photos.
 *
 * @throws AbortedError when the signal is aborted
 */
export const exportMeasured = async (options: ExportOptions): Promise<MeasuredExport> => {
  const { write, forwardTrained, labels, split, signal, drawn = 30, distanceWeight } = options;
  const { log = () => {}, onProgress, background, version, catalogue } = options;
  const { train, validation, test } = split;
  const toCalibrate = { train, validation, forwardTrained, distanceWeight, background };
  const enough = canCalibrate(toCalibrate);
  if (enough) log('Calibrating the model.');
  const unknown = enough ? [...(await drawKinds(drawn)), ...(options.unknown ?? [])] : [];
  const counter = (what: string, total: number) => {
    let done = 0;
    return (count: number) => {
      done += count;
      onProgress?.(what, done, total);
    };
  };
  const calibration = await calibrate(
    write,
    toCalibrate,
    signal,
    counter('Calibrating, photos', validation.length + (forwardTrained ? 0 : train.length)),
  );
  const exported = (calibration?: Calibration, accuracy?: Accuracy) =>
    encodeSavedModel(buildServingGraph(write, { labels, version, catalogue, calibration, accuracy }));
  const runnerOf = (savedModel: Uint8Array) => new GraphRunner(decodeSavedModel(savedModel));
  const runner = runnerOf(exported(calibration));
  log('Measuring the exported model.');
  const pictures = unknown.reduce((sum, { photos }) => sum + photos.length, 0);
  const toMeasure = test.length + (calibration ? test.length + validation.length + pictures : 0);
  const onPhotos = counter('Measuring, photos', toMeasure);
  const ask = (photos: readonly Uint8Array[], model = runner) =>
    predictPhotos(model, photos, signal, onPhotos);
  const pixelsOf = (examples: readonly Example[]) => examples.map((photo) => photo.pixels);
  const answers = await ask(pixelsOf(test));
  const answered: Parameters<typeof measureCalibration>[0]['unknown'][number][] = [];
  for (const { kind, source, photos } of unknown) answered.push({ kind, source, answers: await ask(photos) });
  const measured =
    calibration &&
    measureCalibration({
      ...{ temperature: calibration.temperature, test, after: answers, unknown: answered },
      before: await ask(pixelsOf(test), runnerOf(exported())),
      validation: await ask(pixelsOf(validation)),
    });
  if (calibration && forwardTrained && !background) log(WITHOUT_BACKGROUND);
  const probabilities = answers.map((answer) => answer.probabilities);
  const { confusion, ...tested } = compare(probabilities, labels.length, test);
  const { accuracy: value, count: photos } = tested;
  const interval = wilsonInterval(tested.correct, photos);
  return {
    // Written again, now with the measurements.
    savedModel: exported(calibration, photos > 0 ? { value, interval, photos } : undefined),
    test: {
      ...{ ...tested, interval },
      confusion: confusion.map((row) => [...row]),
    },
    calibration: measured && {
      ...measured.figures,
      ...(distanceWeight !== undefined && { distanceWeight }),
    },
    scores: measured?.scores,
    mistakes: test.flatMap(({ file, label, pixels }, index) => {
      const row = probabilities[index] ?? [];
      const confidence = Math.max(...row);
      const answer = row.indexOf(confidence);
      if (answer === label) return [];
      return [{ file, truth: labels[label] ?? '', answer: labels[answer] ?? '', confidence, pixels }];
    }),
  };
};

export interface TrainOptions
  extends Pick<ExportOptions, 'version' | 'split' | 'unknown' | 'drawn' | 'signal' | 'log' | 'onProgress'> {
  readonly dataset: Pick<Dataset, 'labels' | 'skipped' | 'catalogue'>;
  readonly trainer: Trainer;
  readonly backend: Backend;
  /** For the model card: how to reproduce the training. */
  readonly command: string;
  readonly seed: number;
}

/** A trained model, and the data for its report. */
export interface TrainingResult extends ReportInput {
  readonly savedModel: Uint8Array;
  readonly mistakes: readonly Mistake[];
}

/** Number of photos of each class in each part of the split. */
export const countByClass = ({ length }: readonly string[], split: Split) => {
  const count = (examples: readonly Example[]) =>
    Array.from({ length }, (_, label) => examples.filter((example) => example.label === label).length);
  return { train: count(split.train), validation: count(split.validation), test: count(split.test) };
};

/**
 * Trains on photos that are already split, calibrates and exports the network, and measures the export on the test
 * photos.
 *
 * @throws AbortedError when the signal is aborted
 */
export const trainModel = async (options: TrainOptions): Promise<TrainingResult> => {
  const { dataset, split, trainer, backend, version, command, seed } = options;
  const { labels, catalogue } = dataset;
  const network = await trainer(split);
  const { history, parameters, side, backbone, fineTuned } = network;
  const { savedModel, test, calibration, scores, mistakes } = await exportMeasured({
    ...options,
    ...network,
    ...{ labels, catalogue },
  });
  const seconds = history.reduce((sum, epoch) => sum + epoch.seconds, 0);
  const metrics: ModelMetrics = {
    version,
    labels: [...labels],
    data: { ...countByClass(labels, split), skipped: [...dataset.skipped], seed },
    test,
    training: {
      command,
      backend: backend.name === 'wasm' ? 'WebAssembly' : 'native TensorFlow',
      epochs: history.length,
      seconds,
      photosPerSecond: (history.length * split.train.length) / seconds,
      parameters: parameters.total,
      ...(parameters.trained < parameters.total && { trainedParameters: parameters.trained }),
      ...{ side, backbone },
      ...(fineTuned !== undefined && { fineTuned }),
    },
    mistakes: true,
    calibration,
    bytes: savedModel.byteLength,
    history: history.map(({ epochs, seconds, ...epoch }) => epoch),
  };
  return { savedModel, metrics, mistakes, scores };
};
