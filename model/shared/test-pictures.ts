import assert from 'node:assert/strict';
import { PHOTO_BYTES, PHOTO_CHANNELS } from '../contract/tensors.ts';
import type { Example } from '../data/dataset.ts';
import { seededRandom } from './random.ts';

/** Shared test helpers. They load neither TensorFlow.js nor sharp, so that tests start fast. */

export type Colour = readonly [red: number, green: number, blue: number];

/** A picture of raw RGB pixels. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

export const picture = (width: number, height: number, at: (x: number, y: number) => Colour): Picture => {
  const data = new Uint8Array(width * height * PHOTO_CHANNELS);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set(at(x, y), (y * width + x) * PHOTO_CHANNELS);
  }
  return { width, height, data };
};

/** Smooth, so that lossy formats preserve it, and different in each corner. */
export const gradient = (width: number, height: number): Picture =>
  picture(width, height, (x, y) => [
    40 + (170 * x) / width,
    40 + (170 * y) / height,
    40 + (170 * x * y) / (width * height),
  ]);

export const meanDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  assert.equal(a.length, b.length);
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += Math.abs((a[index] ?? 0) - (b[index] ?? 0));
  return sum / a.length;
};

/** Fails unless each number is within `tolerance` of the expected one. */
export const assertClose = (
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): void => {
  assert.equal(actual.length, expected.length, 'as many numbers as expected');
  for (let index = 0; index < expected.length; index++) {
    const [got = Number.NaN, value = Number.NaN] = [actual[index], expected[index]];
    if (Math.abs(got - value) <= tolerance) continue;
    assert.fail(`number ${index} is ${got}, not ${value} ± ${tolerance}`);
  }
};

/** Fails unless the bytes are equal, whatever the type of array. */
export const assertSameBytes = (actual: Uint8Array, expected: Uint8Array): void => {
  assert.equal(actual.length, expected.length, 'as many bytes as expected');
  assert.equal(Buffer.compare(actual, expected), 0, 'the same bytes');
};

/** Noise in the format of the model's input. */
export const noise = (seed: number, length = PHOTO_BYTES): Uint8Array => {
  const random = seededRandom(seed);
  return Uint8Array.from({ length }, () => random() * 256);
};

/** An example without a file; by default all examples share the same pixels. */
export const example = (label: number, content: string, pixels: Uint8Array = new Uint8Array()): Example => ({
  file: `${label}/${content}.png`,
  label,
  content,
  pixels,
});
