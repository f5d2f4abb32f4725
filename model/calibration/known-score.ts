import { REFUSED_SHARE } from '../contract/tensors.ts';
import type { FeaturesAndLogits } from './observe.ts';

/** The linear algebra for a covariance. Matrices are square, row-major, symmetric and positive definite. */

export const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
};

/** Solves `L x = b` for x, where b may be shorter than the rows of L. */
export const solveLower = (lower: Float64Array, size: number, b: ArrayLike<number>): Float64Array => {
  const x = new Float64Array(b.length);
  for (let row = 0; row < x.length; row++) {
    const start = row * size;
    const known = dot(lower.subarray(start, start + row), x.subarray(0, row));
    x[row] = ((b[row] ?? 0) - known) / (lower[start + row] ?? 1);
  }
  return x;
};

/** The lower triangle L of `matrix = L Lᵀ`. @throws Error if the matrix is not positive definite */
const cholesky = (matrix: Float64Array, size: number): Float64Array => {
  const lower = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    const start = row * size;
    const solved = solveLower(lower, size, matrix.subarray(start, start + row));
    const rest = (matrix[start + row] ?? 0) - dot(solved, solved);
    if (!(rest > 0)) throw new Error('The covariance of the features is not positive definite.');
    lower.set(solved, start);
    lower[start + row] = Math.sqrt(rest);
  }
  return lower;
};

/** Adds `weight * v vᵀ` to the lower triangle, the only part that {@link cholesky} reads. */
const addOuter = (matrix: Float64Array, v: ArrayLike<number>, weight: number): void => {
  const size = v.length;
  for (let row = 0; row < size; row++) {
    const scaled = (v[row] ?? 0) * weight;
    if (scaled === 0) continue;
    for (let column = 0; column <= row; column++) {
      matrix[row * size + column] = (matrix[row * size + column] ?? 0) + scaled * (v[column] ?? 0);
    }
  }
};

/** The mean of vectors with the same length. */
const meanVector = (vectors: readonly ArrayLike<number>[], length: number): Float64Array => {
  const mean = new Float64Array(length);
  for (const vector of vectors) {
    for (let index = 0; index < length; index++)
      mean[index] = (mean[index] ?? 0) + (vector[index] ?? 0) / vectors.length;
  }
  return mean;
};

/** Gaussians of the classes with a shared covariance (Lee et al. 2018), over features scaled to the same length. */
export interface ClassGaussians {
  /** Mean of all photos, `[F]`. */
  readonly mean: Float64Array;
  /** Lower triangle L of the covariance `L Lᵀ`, `[F, F]`. */
  readonly lower: Float64Array;
  /** `L⁻¹ (class mean - mean)`, one `[F]` for each class. */
  readonly centres: readonly Float64Array[];
}

/** Shrinkage of the covariance towards a sphere: few photos do not determine all of its directions. */
const SHRINKAGE = { trained: 0.1, frozen: 0.5, background: 0.3 } as const;
/** The share of the classes' photos that is not farther from the background than usual. */
const USUAL = { trained: 0.75, frozen: 0.5 } as const;
/** Avoids division by zero for black pictures, whose features are all zero. */
export const EPSILON = 1e-6;

/** Features scaled to a root mean square of 1. */
const normalised = (features: ArrayLike<number>): Float64Array => {
  const scale = 1 / Math.sqrt(dot(features, features) / features.length + EPSILON);
  return Float64Array.from(features, (value) => value * scale);
};

/** `L⁻¹ (photo - mean)` */
const whiten = (
  { mean, lower }: Pick<ClassGaussians, 'mean' | 'lower'>,
  photo: Float64Array,
): Float64Array => {
  const centred = photo.map((value, i) => value - (mean[i] ?? 0));
  return solveLower(lower, photo.length, centred);
};

/** @param shrinkage see {@link SHRINKAGE} */
const fitGaussians = (
  known: readonly { readonly label: number; readonly features: ArrayLike<number> }[],
  shrinkage: number,
): ClassGaussians => {
  const photos = known.map(({ label, features }) => ({ label, photo: normalised(features) }));
  const all = photos.map(({ photo }) => photo);
  const size = all[0]?.length ?? 0;
  const covariance = new Float64Array(size * size);
  const means = [...new Set(photos.map(({ label }) => label))].map((label) => {
    const inside = photos.filter((each) => each.label === label).map(({ photo }) => photo);
    const centre = meanVector(inside, size);
    for (const photo of inside) {
      const difference = photo.map((value, i) => value - (centre[i] ?? 0));
      addOuter(covariance, difference, (1 - shrinkage) / all.length);
    }
    return centre;
  });
  let trace = 0;
  for (let i = 0; i < size; i++) trace += (covariance[i * size + i] ?? 0) / (1 - shrinkage);
  const sphere = Math.max((shrinkage * trace) / size, EPSILON);
  for (let i = 0; i < size; i++) covariance[i * size + i] = (covariance[i * size + i] ?? 0) + sphere;
  const lower = cholesky(covariance, size);
  const mean = meanVector(all, size);
  return { mean, lower, centres: means.map((centre) => whiten({ mean, lower }, centre)) };
};

/** A single Gaussian of photos of anything, by their features. */
export const fitBackground = (photos: readonly ArrayLike<number>[]): ClassGaussians =>
  fitGaussians(
    photos.map((features) => ({ label: 0, features })),
    SHRINKAGE.background,
  );

/** The temperature of the softmax, relative to the calibrated one. A softer one also reflects the runners-up. */
export const SOFTENING = 3.3;

/**
 * The weight of the distance relative to the probability, both in units of their deviation over the held-out photos:
 * equal if both come from the same features, less if the probability is from a network that was trained for the
 * classes.
 */
export const DISTANCE_WEIGHTS = { sameFeatures: 1, trainedNetwork: 0.6 } as const;

/**
 * Distinguishes photos of the classes from others: `offset + confidence * largest probability - distance * distance to
 * the nearest class - penalty * max(0, usual - distance to the background)`. It is fitted to photos of the classes only.
 */
export interface KnownScore {
  readonly gaussians: ClassGaussians;
  /** Temperature of the softmax that gives the largest probability. Absent: the mean of the squared distances minus the smallest. */
  readonly temperature?: number | undefined;
  readonly confidence: number;
  readonly distance: number;
  /** Photos of anything else, if there are statistics of them for these features (relative Mahalanobis distance, Ren et al. 2021). */
  readonly background?: ClassGaussians | undefined;
  readonly penalty: number;
  /**
   * The distance to the background up to which a photo is penalized. Being even farther away is not rewarded, so that a
   * background that does not fit the classes does no harm.
   */
  readonly usual: number;
  /** Moves the threshold to 0: a score of at least 0 means that the photo shows one of the classes. */
  readonly offset: number;
}

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

const deviation = (values: readonly number[]): number => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) || 1;
};

/** The threshold between the lowest accepted score and the highest rejected one, or below all scores if none is rejected. */
const thresholdOf = (scores: readonly number[]): number => {
  const sorted = scores.toSorted((a, b) => a - b);
  const refused = Math.floor(REFUSED_SHARE * sorted.length);
  const kept = sorted[refused] ?? 0;
  return refused === 0 ? kept - deviation(scores) / 2 : (kept + (sorted[refused - 1] ?? kept)) / 2;
};

type Seen = Pick<FeaturesAndLogits, 'features' | 'logits'>;

/** The squared Mahalanobis distance to each class, per dimension: about 1 for training photos. */
const squaredDistances = (gaussians: ClassGaussians, photo: Float64Array): number[] => {
  const white = whiten(gaussians, photo);
  return gaussians.centres.map((centre) => {
    const difference = white.map((value, i) => value - (centre[i] ?? 0));
    return dot(difference, difference) / photo.length;
  });
};

const termsOf = (
  { gaussians, temperature, background }: Pick<KnownScore, 'gaussians' | 'temperature' | 'background'>,
  { features, logits }: Seen,
) => {
  const photo = normalised(features);
  const squares = squaredDistances(gaussians, photo);
  const smallest = Math.min(...squares);
  const margin = squares.reduce((sum, square) => sum + square / squares.length, -smallest);
  return {
    nearest: Math.sqrt(smallest),
    sure: temperature === undefined ? margin : Math.max(...softmax(logits, temperature)),
    away: background ? Math.sqrt(Math.min(...squaredDistances(background, photo))) : 0,
  };
};
type Terms = ReturnType<typeof termsOf>;

const addUp = (
  { confidence, distance, penalty, usual, offset }: Omit<KnownScore, 'gaussians'>,
  { sure, nearest, away }: Terms,
): number => offset + confidence * sure - distance * nearest - penalty * Math.max(0, usual - away);

export const scoreOf = (score: KnownScore, photo: Seen): number => addUp(score, termsOf(score, photo));

/** Validation photos that suffice for a threshold. */
const ENOUGH = 200;
const FOLDS = 10;

/** The terms of each photo with Gaussians that were fitted without it. */
const crossFitted = (photos: readonly FeaturesAndLogits[], background: ClassGaussians | undefined): Terms[] =>
  Array.from({ length: FOLDS }, (_, fold) => {
    const [left, inside] = [0, 1].map((side) =>
      photos.filter((_, index) => Number(index % FOLDS === fold) === side),
    );
    const gaussians = fitGaussians(left ?? [], SHRINKAGE.frozen);
    return (inside ?? []).map((photo) => termsOf({ gaussians, background }, photo));
  }).flat();

/**
 * @param known training photos of all classes, which define the Gaussians
 * @param heldOut validation photos, which define the threshold and the units of confidence and distance
 * @param temperature the calibrated temperature
 * @param options.distanceWeight see {@link DISTANCE_WEIGHTS}
 * @param options.frozen whether the features did not learn from any photo: then the margin replaces the probability, and
 *   few validation photos are supplemented by the training photos, each with Gaussians of the others
 * @param options.background see {@link fitBackground}
 */
export const fitKnownScore = (
  known: readonly FeaturesAndLogits[],
  heldOut: readonly FeaturesAndLogits[],
  temperature: number,
  {
    distanceWeight = DISTANCE_WEIGHTS.sameFeatures,
    frozen = false,
    background,
  }: Pick<Partial<KnownScore>, 'background'> & {
    readonly distanceWeight?: number | undefined;
    readonly frozen?: boolean;
  } = {},
): KnownScore => {
  const kind = frozen ? 'frozen' : 'trained';
  const few = frozen && heldOut.length < ENOUGH;
  const all = few ? [...known, ...heldOut] : known;
  const fitted = {
    gaussians: fitGaussians(all, SHRINKAGE[kind]),
    temperature: frozen ? undefined : SOFTENING * temperature,
    background,
  };
  const judged = few ? crossFitted(all, background) : heldOut.map((photo) => termsOf(fitted, photo));
  const away = judged.map((terms) => terms.away).sort((a, b) => a - b);
  const score = {
    ...fitted,
    penalty: 1 / deviation(away),
    usual: away[Math.floor(away.length * USUAL[kind])] ?? 0,
    confidence: 1 / deviation(judged.map(({ sure }) => sure)),
    distance: distanceWeight / deviation(judged.map(({ nearest }) => nearest)),
    offset: 0,
  };
  return { ...score, offset: -thresholdOf(judged.map((terms) => addUp(score, terms))) };
};
