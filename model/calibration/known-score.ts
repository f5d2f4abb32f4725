import { type ClassGaussians, distanceTo, fitGaussians, normalised } from './class-distance.ts';
import { dot } from './linear-algebra.ts';
import type { Observation } from './observe.ts';
import { fitUnknownDirection } from './unknown-direction.ts';

/**
 * Tells photos of the classes from others:
 * `score = offset + direction · features - distanceWeight * distance to the nearest class`, with normalised features.
 */
export interface KnownScore {
  readonly gaussians: ClassGaussians;
  readonly distanceWeight: number;
  /** `[F]`; zeros when no pictures of other things were given. */
  readonly direction: Float64Array;
  /** Moves the threshold to 0: a score of at least 0 says that the photo shows one of the classes. */
  readonly offset: number;
}

/** Share of held-out photos of the classes that may be refused. A refused flower costs its person a second photo. */
export const REFUSED_SHARE = 0.03;

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const deviation = (values: readonly number[]): number => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) || 1;
};

/** Between the scores of the first photo that is kept and the last one that is not; below all when none is refused. */
const thresholdOf = (scores: readonly number[]): number => {
  const sorted = scores.toSorted((a, b) => a - b);
  const refused = Math.floor(REFUSED_SHARE * sorted.length);
  const kept = sorted[refused] ?? 0;
  return refused === 0 ? kept - deviation(scores) / 2 : (kept + (sorted[refused - 1] ?? kept)) / 2;
};

export const scoreOf = (
  { gaussians, distanceWeight, direction, offset }: KnownScore,
  features: ArrayLike<number>,
): number => {
  const photo = normalised(features);
  return offset + dot(direction, photo) - distanceWeight * distanceTo(gaussians, photo);
};

/**
 * @param known photos that were trained on, of all classes: what the classes look like
 * @param heldOut photos of the classes that were not trained on: where the threshold lies, and in which units distance
 *   and direction are added
 * @param unknown features of pictures that show none of the classes; without them only the distance counts
 */
export const fitKnownScore = (
  classes: number,
  known: readonly Observation[],
  heldOut: readonly Observation[],
  unknown: readonly (readonly number[])[],
): KnownScore => {
  const photos = known.map(({ label, features }) => ({ label, features: normalised(features) }));
  const byClass = Array.from({ length: classes }, (_, index) =>
    photos.filter(({ label }) => label === index).map(({ features }) => features),
  );
  const gaussians = fitGaussians(byClass);
  const reference = heldOut.map(({ features }) => normalised(features));
  const size = reference[0]?.length ?? 0;
  const raw =
    unknown.length === 0
      ? new Float64Array(size)
      : fitUnknownDirection(byClass.flat(), unknown.map(normalised));
  const products = reference.map((features) => dot(raw, features));
  const distances = reference.map((features) => distanceTo(gaussians, features));
  const spread = deviation(products);
  const direction = raw.map((value) => value / spread);
  const distanceWeight = 1 / deviation(distances);
  const centred = {
    gaussians,
    distanceWeight,
    direction,
    offset: distanceWeight * median(distances) - median(products) / spread,
  };
  const threshold = thresholdOf(heldOut.map(({ features }) => scoreOf(centred, features)));
  return { ...centred, offset: centred.offset - threshold };
};
