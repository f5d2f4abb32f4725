import type { Backend } from '../backend/backend.ts';
import { type Calibration, calibrate, FEWEST_PHOTOS } from '../calibration/calibrate.ts';
import { type KindScores, measureCalibration } from '../calibration/measure.ts';
import { compare, predict } from '../evaluation/evaluate.ts';
import type { Metrics } from '../evaluation/metrics.ts';
import { wilsonInterval } from '../evaluation/statistics.ts';
import { drawKinds, type OodPhotos } from '../out-of-distribution/pictures.ts';
import type { Mistake } from '../report/contact-sheet.ts';
import { decodeSavedModel, encodeSavedModel } from '../savedmodel/file.ts';
import { GraphRunner } from '../savedmodel/run.ts';
import { buildServingGraph } from '../savedmodel/serving-graph.ts';
import type { Dataset, Example } from '../training/dataset.ts';
import type { Split } from '../training/split.ts';
import { mistakesAmong } from './mistakes.ts';
import type { TrainedNetwork } from './trained-network.ts';

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
  /** Pictures of other things, beside those that are drawn. @default none */
  readonly unknown?: readonly OodPhotos[];
  /** Pictures to draw of each kind that code draws. @default 30 */
  readonly drawn?: number;
  readonly signal?: AbortSignal | undefined;
  /** Told what is being done after the training. */
  readonly say?: (text: string) => void;
}

/** Scores behind the ROC curves: of the test photos, and of each kind of other pictures. */
export interface KnownScores {
  readonly known: readonly number[];
  readonly kinds: readonly KindScores[];
}

export interface Learned {
  readonly savedModel: Uint8Array;
  readonly metrics: Metrics;
  /** Test photos that were named wrongly. */
  readonly mistakes: readonly Mistake[];
  /** Absent when there were too few photos to calibrate by. */
  readonly scores?: KnownScores | undefined;
}

const countByClass = (labels: readonly string[], examples: readonly Example[]): number[] =>
  labels.map((_, label) => examples.filter((example) => example.label === label).length);

/** Bytes of the model, and something that runs it as it will be served. */
const exported = (
  { write }: TrainedNetwork,
  { dataset: { labels }, version }: LearnOptions,
  calibration?: Calibration,
) => {
  const savedModel = encodeSavedModel(buildServingGraph(write, { labels, version, calibration }));
  return { savedModel, runner: new GraphRunner(decodeSavedModel(savedModel)) };
};

const calibrated = async (
  { write, observeTrained }: TrainedNetwork,
  { dataset: { labels }, split, signal }: LearnOptions,
  unknown: readonly OodPhotos[],
): Promise<Calibration | undefined> =>
  calibrate(
    write,
    labels.length,
    {
      train: observeTrained ?? split.train,
      validation: split.validation,
      unknown: unknown.filter(({ purpose }) => purpose === 'choosing'),
    },
    signal,
  );

/** Which part of a network was trained, and with whose help. */
const originOf = ({ parameters, side, pretrained }: TrainedNetwork) => ({
  parameters: parameters.total,
  ...(parameters.trained < parameters.total && { trainedParameters: parameters.trained }),
  side,
  teacher: pretrained?.role === 'teacher' ? pretrained.name : null,
  backbone: pretrained?.role === 'backbone' ? pretrained.name : null,
});

/**
 * Trains on photos that are already divided, calibrates and exports the network, and measures the export on the test
 * photos.
 *
 * @throws Stopped when the signal is aborted
 */
export const learn = async (options: LearnOptions): Promise<Learned> => {
  const { dataset, split, backend, version, signal, drawn = 30, say = () => {} } = options;
  const { labels } = dataset;
  const network = await options.train(split);
  const { history } = network;
  const seconds = history.reduce((sum, epoch) => sum + epoch.seconds, 0);

  const enough = split.validation.length >= FEWEST_PHOTOS;
  if (enough) say('Calibrating the model.');
  const unknown = enough ? [...(await drawKinds(drawn)), ...(options.unknown ?? [])] : [];
  const calibration = await calibrated(network, options, unknown);
  const { savedModel, runner } = exported(network, options, calibration);
  say('Measuring the exported model.');
  const answers = await predict(
    runner,
    split.test.map(({ pixels }) => pixels),
    signal,
  );
  const measured =
    calibration &&
    (await measureCalibration({
      ...{ answers, unknown, signal },
      temperature: calibration.temperature,
      plain: exported(network, options).runner,
      calibrated: runner,
      validation: split.validation,
      test: split.test,
    }));
  const probabilities = answers.map((answer) => answer.probabilities);
  const { confusion, ...tested } = compare(probabilities, labels.length, split.test);
  const mistakes = mistakesAmong(labels, split.test, probabilities);
  const metrics: Metrics = {
    version,
    labels: [...labels],
    data: {
      train: countByClass(labels, split.train),
      validation: countByClass(labels, split.validation),
      test: countByClass(labels, split.test),
      skipped: [...dataset.skipped],
      seed: options.seed,
    },
    test: {
      ...tested,
      interval: wilsonInterval(tested.correct, tested.count),
      confusion: confusion.map((row) => [...row]),
    },
    training: {
      command: options.command,
      backend: backend.name === 'wasm' ? 'WebAssembly' : 'native TensorFlow',
      epochs: history.length,
      seconds,
      photosPerSecond: (history.length * split.train.length) / seconds,
      ...originOf(network),
    },
    mistakes: true,
    calibration: measured?.figures,
    bytes: savedModel.byteLength,
    history: history.map(({ epochs, seconds, ...epoch }) => epoch),
  };
  const scores = measured && { known: measured.knownScores, kinds: measured.unknownScores };
  return { savedModel, metrics, mistakes, scores };
};
