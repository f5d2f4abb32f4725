import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { loadBackend } from '../backend/backend.ts';
import { PHOTO_SIDE, PIXEL_OFFSET, PIXEL_SCALE } from '../contract/tensors.ts';
import { seededRandom } from '../shared/random.ts';
import { assertClose, example, gradient, noise, picture } from '../shared/test-pictures.ts';
import { type Augmentation, augmentInto, mix, targetTensor } from './augment.ts';

const UNCHANGED_COLOUR: Augmentation = { colour: 0, tint: 0 };
/** Only a stretch of at most a third and the mirror remain. */
const WHOLE_PHOTO: Augmentation = { ...UNCHANGED_COLOUR, minArea: 1, maxRotation: 0 };

const augmented = (pixels: Uint8Array, side: number, seed: number, options?: Augmentation): Float32Array => {
  const out = new Float32Array(side * side * 3);
  augmentInto(pixels, side, seededRandom(seed), out, 0, options);
  return out;
};

const grey = (level: number) => picture(PHOTO_SIDE, PHOTO_SIDE, () => [level, level, level]).data;
const seeds = Array.from({ length: 40 }, (_, seed) => seed);

/** How much brighter the right half is than the left. */
const slope = (values: Float32Array, side: number): number =>
  values.reduce(
    (sum, value, index) => (Math.floor(index / 3) % side < side / 2 ? sum - value : sum + value),
    0,
  );

test('values stay roughly in the range of pixels, and the seed decides them', () => {
  for (const seed of seeds) {
    for (const photo of [grey(0), grey(255), noise(1)])
      for (const value of augmented(photo, 16, seed)) assert.ok(Math.abs(value) < 2.5, `${value} of ${seed}`);
    for (const value of augmented(grey(255), 16, seed)) assert.ok(value < 1.7, `${value} from seed ${seed}`);
  }
  assert.notDeepEqual(augmented(noise(2), 32, 5), augmented(noise(2), 32, 6));
});

test('a plain colour without colour changes keeps its hue, or loses it one time in twenty', () => {
  const { data } = picture(PHOTO_SIDE, PHOTO_SIDE, () => [200, 100, 50]);
  const expected = [200, 100, 50].map((value) => value * PIXEL_SCALE + PIXEL_OFFSET);
  const luma = 0.2126 * (expected[0] ?? 0) + 0.7152 * (expected[1] ?? 0) + 0.0722 * (expected[2] ?? 0);
  const many = Array.from({ length: 400 }, (_, seed) => augmented(data, 2, seed, UNCHANGED_COLOUR));
  const colourless = many.filter((values) => Math.abs((values[0] ?? 0) - (values[1] ?? 0)) < 1e-5);
  for (const values of many) {
    const colour = colourless.includes(values) ? [luma, luma, luma] : expected;
    assertClose(values, [...colour, ...colour, ...colour, ...colour], 1e-5);
  }
  assert.ok(colourless.length > 5 && colourless.length < 40, `${colourless.length} of 400 lost their colour`);
});

test('colour changes vary brightness and hue of a plain photo, evenly over the photo', () => {
  const { data } = picture(PHOTO_SIDE, PHOTO_SIDE, () => [200, 100, 50]);
  const hues = seeds.map((seed) => {
    const values = augmented(data, 8, seed);
    const first = values.slice(0, 3);
    values.forEach((value, index) => assertClose([value], [first[index % 3] ?? 0], 1e-5));
    return ((first[0] ?? 0) - (first[1] ?? 0)).toFixed(3);
  });
  assert.ok(new Set(hues).size > 30);
});

test('about half of the copies are mirrored, and crops show parts of the photo at another size', () => {
  const { data } = gradient(PHOTO_SIDE, PHOTO_SIDE);
  const options = { ...UNCHANGED_COLOUR, minArea: 0.35, maxRotation: 0 };
  const steepness = seeds.map((seed) => Math.abs(slope(augmented(data, 32, seed, options), 32)));
  const slopes = seeds.map((seed) => slope(augmented(data, 32, seed, WHOLE_PHOTO), 32));
  const upright = slopes.filter((value) => value > 0).length;
  assert.ok(upright > 10 && upright < 30, `${upright} of 40 are not mirrored`);
  const whole = Math.max(...slopes.map(Math.abs));
  assert.ok(Math.min(...steepness) < 0.75 * whole, 'a small crop rises less from left to right');
  assert.ok(Math.max(...steepness) <= whole * 1.02);
});

test('the copy is written to the given place and nowhere else', () => {
  const out = new Float32Array(3 * 8 * 8 * 3).fill(9);
  const length = 8 * 8 * 3;
  augmentInto(noise(3), 8, seededRandom(1), out, length);
  assert.ok(out.subarray(0, length).every((value) => value === 9));
  assert.ok(out.subarray(2 * length).every((value) => value === 9));
  assert.deepEqual(out.subarray(length, 2 * length), augmented(noise(3), 8, 1));
});

test('unmirrored and whole, a photo is merely resized', () => {
  const { data } = gradient(PHOTO_SIDE, PHOTO_SIDE);
  const out = new Float32Array(PHOTO_SIDE * PHOTO_SIDE * 3);
  // Half of everything: no rotation, no stretch, the centre, no change of colour; mirrored below a half only.
  augmentInto(data, PHOTO_SIDE, () => 0.5, out, 0, WHOLE_PHOTO);
  assertClose(
    out,
    Float32Array.from(data, (value) => value * PIXEL_SCALE + PIXEL_OFFSET),
    1e-4,
  );
});

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

test('a photo keeps at least half of itself and is mixed with one other; targets are as the pixels', () => {
  for (let seed = 0; seed < 30; seed++) {
    const { photos, targets } = mixed(seed);
    targets.forEach((row, label) => {
      assertClose([row.reduce((sum, share) => sum + share, 0)], [1], 1e-5);
      assert.ok((row[label] ?? 0) >= 0.45);
      assert.ok(row.filter((share) => share > 0).length <= 2);
    });
    const seen = photos.map((photo) => mean(photo.flat(2)));
    // A class's number is the value of its photos, so the expected value of a target is the mean of its photo.
    const named = targets.map((row) => row.reduce((sum, share, label) => sum + share * label, 0));
    assertClose(seen, named, 1e-4);
  }
});

test('both kinds of mixing occur: blending, and cutting along a rectangle', () => {
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

test('targets are 1 for the right class, less the share that smoothing spreads over all', () => {
  const examples = [example(2, 'a'), example(0, 'b')];
  assertClose(targetTensor(examples, 3, 0).dataSync(), [0, 0, 1, 1, 0, 0], 0);
  assertClose(
    targetTensor(examples, 4, 0.2).dataSync(),
    [0.05, 0.05, 0.85, 0.05, 0.85, 0.05, 0.05, 0.05],
    1e-6,
  );
});
