import { addOuter, cholesky, dot, meanVector, solveLower, solveUpper } from './linear-algebra.ts';

/** Weight of the penalty on large coefficients, per coefficient. */
const PENALTY = 0.01;
const NEWTON_STEPS = 12;
const EPSILON = 1e-9;

interface Row {
  readonly values: Float64Array;
  readonly target: number;
  readonly weight: number;
}

const deviations = (photos: readonly Float64Array[], mean: Float64Array): Float64Array =>
  mean.map((centre, i) =>
    Math.sqrt(
      photos.reduce((sum, photo) => sum + ((photo[i] ?? 0) - centre) ** 2, 0) / photos.length + EPSILON,
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
export const fitUnknownDirection = (
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
