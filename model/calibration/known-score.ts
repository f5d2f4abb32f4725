import { REFUSED_SHARE } from '../contract/refused-share.ts';
import { type ClassGaussians, distanceTo, fitGaussians, normalised } from './class-distance.ts';
import { dot } from './linear-algebra.ts';
import type { Observation } from './observe.ts';
import { fitUnknownDirection } from './unknown-direction.ts';

/**
 * Tells photos of the classes from others:
 * `score = offset + direction · features - weight * distance to the nearest class`, with normalised features.
 */
export interface KnownScore {
  /** `[F]`; zeros when no pictures of other things were given. */
  readonly direction: Float64Array;
  /** Absent: only the direction counts. */
  readonly distance?: { readonly gaussians: ClassGaussians; readonly weight: number } | undefined;
  /** Moves the threshold to 0: a score of at least 0 says that the photo shows one of the classes. */
  readonly offset: number;
}

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

export const scoreOf = ({ direction, distance, offset }: KnownScore, features: ArrayLike<number>): number => {
  const photo = normalised(features);
  const far = distance ? distance.weight * distanceTo(distance.gaussians, photo) : 0;
  return offset + dot(direction, photo) - far;
};

export interface OtherPictures {
  /** Features of pictures that show none of the classes; may be none. */
  readonly features: readonly (readonly number[])[];
  /**
   * Whether photos are among them. Drawings show few of the ways in which a picture can be something else, so beside
   * them the distance to the classes counts too; beside photos it only blurs what they tell.
   */
  readonly photographed: boolean;
}

/** In units of their deviation over the held-out photos, both count the same. */
const scaled = (values: readonly number[]) => ({ middle: median(values), unit: 1 / deviation(values) });

/**
 * @param known photos that were trained on, of all classes: what the classes look like
 * @param heldOut photos of the classes that were not trained on: where the threshold lies, and in which units distance
 *   and direction are added
 */
export const fitKnownScore = (
  classes: number,
  known: readonly Observation[],
  heldOut: readonly Observation[],
  unknown: OtherPictures,
): KnownScore => {
  const photos = known.map(({ label, features }) => ({ label, features: normalised(features) }));
  const byClass = Array.from({ length: classes }, (_, index) =>
    photos.filter(({ label }) => label === index).map(({ features }) => features),
  );
  const reference = heldOut.map(({ features }) => normalised(features));
  const raw =
    unknown.features.length === 0
      ? new Float64Array(reference[0]?.length ?? 0)
      : fitUnknownDirection(byClass.flat(), unknown.features.map(normalised));
  const along = scaled(reference.map((features) => dot(raw, features)));
  const direction = raw.map((value) => value * along.unit);
  const score = unknown.photographed
    ? { direction, offset: -along.middle * along.unit }
    : withDistance(byClass, reference, { direction, offset: -along.middle * along.unit });
  const threshold = thresholdOf(heldOut.map(({ features }) => scoreOf(score, features)));
  return { ...score, offset: score.offset - threshold };
};

const withDistance = (
  byClass: readonly (readonly Float64Array[])[],
  reference: readonly Float64Array[],
  { direction, offset }: KnownScore,
): KnownScore => {
  const gaussians = fitGaussians(byClass);
  const { middle, unit: weight } = scaled(reference.map((features) => distanceTo(gaussians, features)));
  return { direction, distance: { gaussians, weight }, offset: offset + weight * middle };
};
