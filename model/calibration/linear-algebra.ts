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
