import { addOuter, cholesky, dot, meanVector, solveLower } from './linear-algebra.ts';

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
export const normalised = (features: ArrayLike<number>): Float64Array => {
  const scale = 1 / Math.sqrt(dot(features, features) / features.length + EPSILON);
  return Float64Array.from(features, (value) => value * scale);
};

/**
 * @param photos normalised features of each class; classes without photos have no centre
 */
export const fitGaussians = (photos: readonly (readonly Float64Array[])[]): ClassGaussians => {
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
export const distanceTo = ({ mean, lower, centres }: ClassGaussians, photo: Float64Array): number => {
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
