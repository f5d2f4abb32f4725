import { REFUSED_SHARE } from '../contract/tensors.ts';
import type { FeaturesAndLogits } from './observe.ts';

/** Just enough for a covariance and a Newton step. Matrices are square, row-major, symmetric and positive definite. */

export const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
};

/** The lower triangle L of `matrix = L Lᵀ`. @throws Error when the matrix is not positive definite */
export const cholesky = (matrix: Float64Array, size: number): Float64Array => {
  const lower = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column <= row; column++) {
      const [a, b] = [row * size, column * size];
      const known = dot(lower.subarray(a, a + column), lower.subarray(b, b + column));
      const rest = (matrix[a + column] ?? 0) - known;
      if (row === column && !(rest > 0))
        throw new Error('The covariance of the features is not positive definite.');
      lower[a + column] = row === column ? Math.sqrt(rest) : rest / (lower[b + column] ?? 1);
    }
  }
  return lower;
};

/** The x of `L x = b`. */
export const solveLower = (lower: Float64Array, size: number, b: ArrayLike<number>): Float64Array => {
  const x = new Float64Array(size);
  for (let row = 0; row < size; row++) {
    const start = row * size;
    const known = dot(lower.subarray(start, start + row), x.subarray(0, row));
    x[row] = ((b[row] ?? 0) - known) / (lower[start + row] ?? 1);
  }
  return x;
};

/** The x of `Lᵀ x = b`. */
export const solveUpper = (lower: Float64Array, size: number, b: ArrayLike<number>): Float64Array => {
  const x = Float64Array.from(b);
  for (let row = size - 1; row >= 0; row--) {
    const value = (x[row] ?? 0) / (lower[row * size + row] ?? 1);
    x[row] = value;
    for (let above = 0; above < row; above++)
      x[above] = (x[above] ?? 0) - value * (lower[row * size + above] ?? 0);
  }
  return x;
};

/** Adds `weight * v vᵀ` to the lower triangle, the only one that {@link cholesky} reads. */
export const addOuter = (matrix: Float64Array, v: ArrayLike<number>, weight: number): void => {
  const size = v.length;
  for (let row = 0; row < size; row++) {
    const scaled = (v[row] ?? 0) * weight;
    if (scaled === 0) continue;
    for (let column = 0; column <= row; column++) {
      matrix[row * size + column] = (matrix[row * size + column] ?? 0) + scaled * (v[column] ?? 0);
    }
  }
};

/** The mean of vectors of one length. */
export const meanVector = (vectors: readonly ArrayLike<number>[], length: number): Float64Array => {
  const mean = new Float64Array(length);
  for (const vector of vectors) {
    for (let index = 0; index < length; index++)
      mean[index] = (mean[index] ?? 0) + (vector[index] ?? 0) / vectors.length;
  }
  return mean;
};

/**
 * Gaussians of the classes with one covariance (Lee et al. 2018), over features of length 1 per dimension: only their
 * direction counts.
 */
export interface ClassGaussians {
  /** Of all photos, `[F]`. */
  readonly mean: Float64Array;
  /** Lower triangle L of the covariance `L Lᵀ`, `[F, F]`. */
  readonly lower: Float64Array;
  /** `L⁻¹ (class mean - mean)`, one `[F]` for each class. */
  readonly centres: readonly Float64Array[];
}

/** How much of the covariance is a sphere: few photos do not determine all of its directions. */
const SHRINKAGE = 0.1;
/** Keeps black pictures, whose features are all zero, finite. */
export const EPSILON = 1e-6;

/** Features scaled to a root mean square of 1. */
const normalised = (features: ArrayLike<number>): Float64Array => {
  const scale = 1 / Math.sqrt(dot(features, features) / features.length + EPSILON);
  return Float64Array.from(features, (value) => value * scale);
};

/**
 * @param photos normalised features of each class; classes without photos have no centre
 */
const fitGaussians = (photos: readonly (readonly Float64Array[])[]): ClassGaussians => {
  const all = photos.flat();
  const size = all[0]?.length ?? 0;
  const present = photos.filter((inside) => inside.length > 0);
  const covariance = new Float64Array(size * size);
  const means = present.map((inside) => meanVector(inside, size));
  present.forEach((inside, index) => {
    for (const photo of inside) {
      const difference = photo.map((value, i) => value - (means[index]?.[i] ?? 0));
      addOuter(covariance, difference, (1 - SHRINKAGE) / all.length);
    }
  });
  let trace = 0;
  for (let i = 0; i < size; i++) trace += (covariance[i * size + i] ?? 0) / (1 - SHRINKAGE);
  const sphere = Math.max((SHRINKAGE * trace) / size, EPSILON);
  for (let i = 0; i < size; i++) covariance[i * size + i] = (covariance[i * size + i] ?? 0) + sphere;
  const lower = cholesky(covariance, size);
  const mean = meanVector(all, size);
  const centres = means.map((centre) =>
    solveLower(
      lower,
      size,
      centre.map((value, i) => value - (mean[i] ?? 0)),
    ),
  );
  return { mean, lower, centres };
};

/** Mahalanobis distance to the nearest class, per dimension: about 1 for photos that were trained on. */
const distanceTo = ({ mean, lower, centres }: ClassGaussians, photo: Float64Array): number => {
  const size = photo.length;
  const white = solveLower(
    lower,
    size,
    photo.map((value, i) => value - (mean[i] ?? 0)),
  );
  const squares = centres.map((centre) => {
    const difference = white.map((value, i) => value - (centre[i] ?? 0));
    return dot(difference, difference) / size;
  });
  return Math.sqrt(Math.min(...squares));
};

/** Weight of the penalty on large coefficients, per coefficient. */
const PENALTY = 0.01;
const NEWTON_STEPS = 12;
const SMALLEST_VARIANCE = 1e-9;

interface Row {
  readonly values: Float64Array;
  readonly target: number;
  readonly weight: number;
}

const deviations = (photos: readonly Float64Array[], mean: Float64Array): Float64Array =>
  mean.map((centre, i) =>
    Math.sqrt(
      photos.reduce((sum, photo) => sum + ((photo[i] ?? 0) - centre) ** 2, 0) / photos.length +
        SMALLEST_VARIANCE,
    ),
  );

/**
 * The direction that leads from pictures of other things to photos of the classes: penalised logistic regression, both
 * sides weighing the same (outlier exposure, Hendrycks et al. 2019, on frozen features).
 *
 * @param known normalised features of photos of the classes
 * @param unknown normalised features of other pictures
 * @returns `[F]`; its product with normalised features is large for the known
 */
const fitUnknownDirection = (
  known: readonly Float64Array[],
  unknown: readonly Float64Array[],
): Float64Array => {
  const size = known[0]?.length ?? 0;
  const mean = meanVector(known, size);
  const spread = deviations(known, mean);
  const rowsOf = (photos: readonly Float64Array[], target: number): Row[] =>
    photos.map((photo) => {
      const values = new Float64Array(size + 1).fill(1);
      for (let i = 0; i < size; i++) values[i] = ((photo[i] ?? 0) - (mean[i] ?? 0)) / (spread[i] ?? 1);
      return { values, target, weight: 0.5 / photos.length };
    });
  const rows = [...rowsOf(known, 1), ...rowsOf(unknown, 0)];
  let weights = new Float64Array(size + 1);
  for (let step = 0; step < NEWTON_STEPS; step++) weights = newtonStep(rows, weights);
  return Float64Array.from({ length: size }, (_, i) => (weights[i] ?? 0) / (spread[i] ?? 1));
};

const newtonStep = (rows: readonly Row[], weights: Float64Array): Float64Array<ArrayBuffer> => {
  const size = weights.length;
  const gradient = Float64Array.from(weights, (value, i) => (i === size - 1 ? 0 : PENALTY * value));
  const hessian = new Float64Array(size * size);
  for (let i = 0; i < size; i++) hessian[i * size + i] = PENALTY;
  for (const { values, target, weight } of rows) {
    const chance = 1 / (1 + Math.exp(-dot(values, weights)));
    for (let i = 0; i < size; i++)
      gradient[i] = (gradient[i] ?? 0) + weight * (chance - target) * (values[i] ?? 0);
    addOuter(hessian, values, weight * chance * (1 - chance));
  }
  const lower = cholesky(hessian, size);
  const change = solveUpper(lower, size, solveLower(lower, size, gradient));
  return Float64Array.from(weights, (value, i) => value - (change[i] ?? 0));
};

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

interface OtherPictures {
  /** Features of pictures that show none of the classes; may be none. */
  readonly features: readonly (readonly number[])[];
  /**
   * Whether photos are among them. Drawings show few of the ways in which a picture can be something else, so beside
   * them the distance to the classes counts too; beside photos it only blurs what they show.
   */
  readonly photographed: boolean;
}

/** In units of their deviation over the held-out photos, both count the same. */
const scaled = (values: readonly number[]) => ({ middle: median(values), unit: 1 / deviation(values) });

/**
 * @param known photos that were trained on, of all classes: what the classes look like
 * @param heldOut photos of the classes that were not trained on: where the threshold is, and in which units distance
 *   and direction are added
 */
export const fitKnownScore = (
  classes: number,
  known: readonly FeaturesAndLogits[],
  heldOut: readonly FeaturesAndLogits[],
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
