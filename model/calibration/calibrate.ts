import type { CalibrationWriter, NetworkWriter } from '../savedmodel/serving-graph.ts';
import { fitKnownScore, type KnownScore, softmax } from './known-score.ts';
import { writeKnownScore } from './known-score-graph.ts';
import { extractFeaturesAndLogits, type FeaturesAndLogits, type LabelledPhoto } from './observe.ts';

/** Mean cross-entropy, in nats. */
export const lossAt = (photos: readonly FeaturesAndLogits[], temperature: number): number =>
  photos.reduce((sum, photo) => {
    const share = softmax(photo.logits, temperature)[photo.label] ?? 0;
    return sum - Math.log(Math.max(share, 1e-12));
  }, 0) / photos.length;

const [COLDEST, HOTTEST] = [0.05, 10];
const GOLDEN = (Math.sqrt(5) - 1) / 2;
const STEPS = 40;

/**
 * The temperature with the lowest loss on held-out photos (Guo et al. 2017), by a golden-section search on its
 * logarithm: the loss has a single minimum. The most probable class never changes.
 *
 * @param photos photos that were not used for training
 *
 * @example
 * const logits = [4, 0];
 * // Correct three times out of four, at a confidence of 98 %.
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
  readonly train: readonly LabelledPhoto[];
  /** The network's output for these, if its features did not learn from them. */
  readonly forwardTrained?: (() => Promise<readonly FeaturesAndLogits[]>) | undefined;
  /** Validation photos: neither used for training nor for the final test. */
  readonly validation: readonly LabelledPhoto[];
  /** See `DISTANCE_WEIGHTS`. */
  readonly distanceWeight?: number | undefined;
  /** Other photos' Gaussian for the network's features. */
  readonly background?: KnownScore['background'];
}

/** With fewer photos, neither temperature nor threshold is meaningful. */
export const FEWEST_PHOTOS = 20;

/** Whether there are enough photos: the training photos count too if the features did not learn from them. */
export const canCalibrate = ({ train, validation, forwardTrained }: CalibrationPhotos): boolean =>
  validation.length + (forwardTrained ? train.length : 0) >= FEWEST_PHOTOS;

/** Explains why a model is not calibrated, what that means, and what to do. */
export const describeUncalibrated = (validation: number): string =>
  `The model is not calibrated: it names one of its classes for every picture, and rejects none. Calibration needs at least ${FEWEST_PHOTOS} validation photos; there were ${validation}. Add photos, or hold out a larger share of them for validation (--validation).`;

/** Explains what a calibrated head on a backbone without a background does, and what to do. */
export const WITHOUT_BACKGROUND =
  'Photos of anything else may be named as one of the classes, because there is no background for this backbone: make one with scripts/background.ts, then train again.';

/**
 * Fits temperature and score to photos that were not used for training. The network itself is not changed.
 *
 * @param write writes the trained network, as it will be exported
 * @param onPhotos called with the number of newly processed photos
 * @returns undefined if there are fewer than {@link FEWEST_PHOTOS} validation photos
 * @throws AbortedError if the signal is aborted
 */
export const calibrate = async (
  write: NetworkWriter,
  photos: CalibrationPhotos,
  signal?: AbortSignal,
  onPhotos?: (count: number) => void,
): Promise<Calibration | undefined> => {
  if (!canCalibrate(photos)) return undefined;
  const { train, validation, forwardTrained, distanceWeight, background } = photos;
  const heldOut = await extractFeaturesAndLogits(write, validation, signal, onPhotos);
  const known = await (forwardTrained?.() ?? extractFeaturesAndLogits(write, train, signal, onPhotos));
  const temperature = heldOut.length < FEWEST_PHOTOS ? 1 : fitTemperature(heldOut);
  const knownScore = fitKnownScore(known, heldOut, temperature, {
    distanceWeight,
    ...{ frozen: forwardTrained !== undefined, background },
  });
  return {
    temperature,
    knownScore,
    writeKnownScore: (graph, features, logits) => writeKnownScore(graph, features, logits, knownScore),
  };
};
