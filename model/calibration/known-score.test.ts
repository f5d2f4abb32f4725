import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { REFUSED_SHARE } from '../contract/tensors.ts';
import { type Random, seededRandom } from '../shared/random.ts';
import { assertClose } from '../shared/test-pictures.ts';
import {
  addOuter,
  cholesky,
  fitKnownScore,
  meanVector,
  scoreOf,
  solveLower,
  solveUpper,
} from './known-score.ts';
import type { FeaturesAndLogits } from './observe.ts';

const FEATURES = 6;

/** Features around a corner of their own for each class; others lie around yet another corner. */
const around = (random: Random, corner: number): number[] =>
  Array.from({ length: FEATURES }, (_, index) => 0.2 + random() * 0.3 + (index === corner ? 2 : 0));

const photos = (seed: number, classes: number, each: number): FeaturesAndLogits[] => {
  const random = seededRandom(seed);
  return Array.from({ length: classes * each }, (_, index) => ({
    label: index % classes,
    features: around(random, index % classes),
    logits: [],
  }));
};
const others = (seed: number, count: number): number[][] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => around(random, FEATURES - 1));
};

const NONE = { features: [], photographed: false };

for (const [name, unknown] of [
  ['without pictures of other things', NONE],
  ['with drawings of other things', { features: others(5, 40), photographed: false }],
  ['with photos of other things', { features: others(5, 40), photographed: true }],
] as const) {
  describe(name, () => {
    const heldOut = photos(2, 3, 40);
    const score = fitKnownScore(3, photos(1, 3, 60), heldOut, unknown);

    test('at most the allowed share of the held-out photos is refused', () => {
      const refused = heldOut.filter(({ features }) => scoreOf(score, features) < 0).length;
      assert.equal(refused, Math.floor(REFUSED_SHARE * heldOut.length));
    });

    test('what lies elsewhere is refused', () => {
      for (const features of others(9, 30)) assert.ok(scoreOf(score, features) < 0);
    });

    test('only the direction of the features counts', () => {
      const features = around(seededRandom(4), 1);
      const doubled = features.map((value) => value * 2);
      assertClose([scoreOf(score, doubled)], [scoreOf(score, features)], 1e-4);
    });
  });
}

test('two photos of each of many classes are enough not to fail', () => {
  const few = photos(1, 5, 2);
  const score = fitKnownScore(5, few, few, NONE);
  for (const { features } of few) assert.ok(scoreOf(score, features) >= 0, 'so few refuse nothing');
});

test('a black picture, whose features are all 0, has a score', () => {
  const score = fitKnownScore(3, photos(1, 3, 60), photos(2, 3, 40), NONE);
  assert.ok(Number.isFinite(scoreOf(score, new Array<number>(FEATURES).fill(0))));
});

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
