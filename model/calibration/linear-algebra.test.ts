import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertClose } from '../testing.ts';
import { addOuter, cholesky, meanVector, solveLower, solveUpper } from './linear-algebra.ts';

/** 4 2 / 2 3 = L Lᵀ with L = 2 0 / 1 √2. */
const MATRIX = Float64Array.of(4, 2, 2, 3);

test("Cholesky's triangle multiplies back", () => {
  assertClose(cholesky(MATRIX, 2), [2, 0, 1, Math.SQRT2], 1e-12);
});

test('both triangles together solve the equations', () => {
  const lower = cholesky(MATRIX, 2);
  const x = solveUpper(lower, 2, solveLower(lower, 2, [8, 7]));
  assertClose(x, [1.25, 1.5], 1e-12);
});

test('a matrix that is not positive definite is refused', () =>
  assert.throws(() => cholesky(Float64Array.of(1, 2, 2, 1), 2), /not positive definite/));

test('outer products add up in the lower triangle', () => {
  const matrix = new Float64Array(4);
  addOuter(matrix, [1, 2], 3);
  assertClose([matrix[0] ?? 0, matrix[2] ?? 0, matrix[3] ?? 0], [3, 6, 12], 0);
});

test('the mean of vectors is that of each place', () =>
  assertClose(
    meanVector(
      [
        [1, 2],
        [3, 6],
      ],
      2,
    ),
    [2, 4],
    1e-12,
  ));
