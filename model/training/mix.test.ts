import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { loadBackend } from '../backend/backend.ts';
import { seededRandom } from '../shared/random.ts';
import { assertClose } from '../shared/test-pictures.ts';
import { mix } from './mix.ts';

const SIDE = 20;

before(() => loadBackend({ native: false }));

/** Four photos of one value each, and of one class each. */
const batch = () => ({
  photos: tf.tile<tf.Tensor4D>(tf.tensor4d([0, 1, 2, 3], [4, 1, 1, 1]), [1, SIDE, SIDE, 3]),
  targets: tf.eye(4),
});

const mixed = (seed: number) =>
  tf.tidy(() => {
    const { photos, targets } = mix(batch(), seededRandom(seed));
    assert.deepEqual(photos.shape, [4, SIDE, SIDE, 3]);
    return { photos: photos.arraySync(), targets: targets.arraySync() };
  });

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

test('each row of targets still sums to 1', () => {
  for (let seed = 0; seed < 30; seed++) {
    assertClose(
      mixed(seed).targets.map((row) => row.reduce((sum, value) => sum + value, 0)),
      [1, 1, 1, 1],
      1e-5,
    );
  }
});

test('targets are mixed in the proportion of the pixels', () => {
  for (let seed = 0; seed < 30; seed++) {
    const { photos, targets } = mixed(seed);
    const seen = photos.map((photo) => mean(photo.flat(2)));
    // A class's number is the value of its photos, so the expected value of a target is the mean of its photo.
    const named = targets.map((row) => row.reduce((sum, share, label) => sum + share * label, 0));
    assertClose(seen, named, 1e-4);
  }
});

test('a photo keeps at least half of itself, and is mixed with one other', () => {
  for (let seed = 0; seed < 30; seed++) {
    mixed(seed).targets.forEach((row, label) => {
      assert.ok((row[label] ?? 0) >= 0.45);
      assert.ok(row.filter((share) => share > 0).length <= 2);
    });
  }
});

test('both ways of mixing occur: blended all over, and cut along a rectangle', () => {
  const kinds = Array.from({ length: 40 }, (_, seed) => {
    const [photo = []] = mixed(seed).photos;
    const values = new Set(photo.flat(2).map((value) => value.toFixed(4)));
    if (values.size === 1) return 'blended';
    assert.deepEqual([...values].sort(), ['0.0000', '3.0000'], 'a cut photo holds whole pixels of both');
    return 'cut';
  });
  const blended = kinds.filter((kind) => kind === 'blended').length;
  assert.ok(blended > 10 && blended < 30, `${blended} of 40 are blended`);
});

test('a lone photo stays what it is', () => {
  const { photos } = mix({ photos: tf.ones([1, SIDE, SIDE, 3]), targets: tf.ones([1, 2]) }, seededRandom(2));
  assertClose(photos.dataSync(), new Float32Array(SIDE * SIDE * 3).fill(1), 1e-6);
});
