import type { OodPhotos } from '../out-of-distribution/pictures.ts';
import type { DecodedModel } from '../savedmodel/file.ts';
import { copyNodes } from '../savedmodel/run.ts';
import type { CalibrationWriter, NetworkWriter } from '../savedmodel/serving-graph.ts';
import { fitKnownScore, type KnownScore } from './known-score.ts';
import { writeKnownScore } from './known-score-graph.ts';
import { extractFeaturesAndLogits, type FeaturesAndLogits, type LabelledPhoto } from './observe.ts';

/**
 * Softmax of logits / temperature.
 *
 * @example
 * softmax([0, Math.log(3)], 1).map((share) => share.toFixed(2)); // => ['0.25', '0.75']
 */
export const softmax = (logits: readonly number[], temperature: number): number[] => {
  const largest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp((logit - largest) / temperature));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
};

/** What the graph answers: the mean over a photo and its mirror image. */
export const probabilitiesAt = (
  { logits }: Pick<FeaturesAndLogits, 'logits'>,
  temperature: number,
): number[] => {
  const views = logits.map((view) => softmax(view, temperature));
  return (views[0] ?? []).map(
    (_, index) => views.reduce((sum, view) => sum + (view[index] ?? 0), 0) / views.length,
  );
};

/** Mean cross-entropy, in nats. */
export const lossAt = (photos: readonly FeaturesAndLogits[], temperature: number): number =>
  photos.reduce((sum, photo) => {
    const share = probabilitiesAt(photo, temperature)[photo.label] ?? 0;
    return sum - Math.log(Math.max(share, 1e-12));
  }, 0) / photos.length;

const [COLDEST, HOTTEST] = [0.05, 10];
const GOLDEN = (Math.sqrt(5) - 1) / 2;
const STEPS = 40;

/**
 * The temperature whose probabilities fit best (Guo et al. 2017): the loss of held-out photos has one valley, which a
 * golden-section search on the logarithm descends into. The most probable class hardly ever changes: only the mean of
 * two views can tip.
 *
 * @param photos photos that were not trained on
 *
 * @example
 * const logits = [[4, 0]];
 * // Right three times out of four, at a confidence of 98 %.
 * const photos = [0, 0, 0, 1].map((label) => ({ label, features: [], logits }));
 * fitTemperature(photos).toFixed(1); // => '3.6'
 */
export const fitTemperature = (photos: readonly FeaturesAndLogits[]): number => {
  const loss = (logarithm: number) => lossAt(photos, Math.exp(logarithm));
  let [low, high] = [Math.log(COLDEST), Math.log(HOTTEST)];
  for (let step = 0; step < STEPS; step++) {
    const [left, right] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
    if (loss(left) < loss(right)) high = right;
    else low = left;
  }
  const found = Math.exp((low + high) / 2);
  return lossAt(photos, found) < lossAt(photos, 1) ? found : 1;
};

export interface Calibration extends CalibrationWriter {
  readonly knownScore: KnownScore;
}

interface CalibrationPhotos {
  /** What the network makes of the photos that it was trained on, or those photos. */
  readonly train: readonly LabelledPhoto[] | (() => Promise<readonly FeaturesAndLogits[]>);
  /** Photos of the classes that were not trained on, and are not those of the final test. */
  readonly validation: readonly LabelledPhoto[];
  /** Pictures that show none of the classes. @default none */
  readonly unknown?: readonly Pick<OodPhotos, 'photos' | 'source'>[];
}

/** With fewer held-out photos neither a temperature nor a threshold means anything. */
export const FEWEST_PHOTOS = 20;

/**
 * Fits temperature and score to photos that the network was not trained on. The network itself stays as it is.
 *
 * @param write the trained network, as it will be exported
 * @returns undefined when there are fewer than {@link FEWEST_PHOTOS} to judge by
 * @throws AbortedError when the signal is aborted
 */
export const calibrate = async (
  write: NetworkWriter,
  classes: number,
  { train, validation, unknown = [] }: CalibrationPhotos,
  signal?: AbortSignal,
): Promise<Calibration | undefined> => {
  if (validation.length < FEWEST_PHOTOS) return undefined;
  const heldOut = await extractFeaturesAndLogits(write, validation, signal);
  const known =
    typeof train === 'function' ? await train() : await extractFeaturesAndLogits(write, train, signal);
  const others = await extractFeaturesAndLogits(
    write,
    unknown.flatMap(({ photos }) => photos).map((pixels) => ({ label: -1, pixels })),
    signal,
  );
  const knownScore = fitKnownScore(classes, known, heldOut, {
    features: others.map(({ features }) => features),
    photographed: unknown.some(({ source }) => source === 'photos'),
  });
  return {
    temperature: fitTemperature(heldOut),
    features: knownScore.direction.length,
    knownScore,
    writeKnownScore: (graph, features) => writeKnownScore(graph, features, knownScore),
  };
};

/** Where, in a graph that `buildServingGraph` made, the network begins and ends. */
const PHOTOS = 'both';

/** Names of the nodes that the classifier of our own network ends with. */
interface NetworkEnds {
  readonly features: string;
  readonly logits: string;
}

/**
 * The network of a model that is exported already: its nodes are copied as they are, weights and all, so that it can be
 * exported again with other things around it.
 *
 * @param model a model of `buildServingGraph`
 * @throws SavedModelError when a node is missing
 */
export const decodedNetwork =
  ({ nodes }: DecodedModel, { features, logits }: NetworkEnds): NetworkWriter =>
  (graph, photos) => {
    const copy = copyNodes(nodes, graph, new Map([[PHOTOS, photos]]));
    return { logits: copy(logits), features: copy(features) };
  };
