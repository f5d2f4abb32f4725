import * as tf from '@tensorflow/tfjs-core';
import { PHOTO_BYTES, PHOTO_CHANNELS, PHOTO_SIDE, PIXEL_OFFSET, PIXEL_SCALE } from '../contract/tensors.ts';
import { type Random, uniform } from '../shared/random.ts';
import type { Example } from './dataset.ts';

/** How much a photo may be changed during training. */
export interface Augmentation {
  /** Smallest share of the photo's area that a crop keeps. @default 0.35 */
  readonly minArea?: number;
  /** Largest factor by which a photo is stretched one way. @default 4/3 */
  readonly maxAspect?: number;
  /** Largest rotation either way, in degrees. @default 20 */
  readonly maxRotation?: number;
  /** Largest relative change of brightness, contrast and saturation. @default 0.3 */
  readonly colour?: number;
  /** Largest relative change of one channel against the others. @default 0.08 */
  readonly tint?: number;
}

/** Rec. 709 luma coefficients. */
const LUMA = [0.2126, 0.7152, 0.0722] as const;

/**
 * A random crop, stretch, rotation and mirror, which maps the result's pixel (x, y) to the photo's (a x + b y + e, c x
 * + d y + f).
 */
const randomAffine = (
  random: Random,
  side: number,
  { minArea = 0.35, maxAspect = 4 / 3, maxRotation = 20 }: Augmentation,
) => {
  const area = uniform(random, minArea, 1);
  const aspect = Math.exp(uniform(random, -1, 1) * Math.log(maxAspect));
  const width = Math.min(1, Math.sqrt(area * aspect));
  const height = Math.min(1, Math.sqrt(area / aspect));
  const angle = (uniform(random, -1, 1) * maxRotation * Math.PI) / 180;
  const mirror = random() < 0.5 ? -1 : 1;
  const zoom = PHOTO_SIDE / side;
  const [a, b] = [Math.cos(angle) * width * zoom * mirror, -Math.sin(angle) * height * zoom];
  const [c, d] = [Math.sin(angle) * width * zoom * mirror, Math.cos(angle) * height * zoom];
  const centreX = PHOTO_SIDE * (0.5 + uniform(random, -0.5, 0.5) * (1 - width));
  const centreY = PHOTO_SIDE * (0.5 + uniform(random, -0.5, 0.5) * (1 - height));
  const middle = side / 2;
  return { a, b, c, d, e: centreX - (a + b) * middle, f: centreY - (c + d) * middle };
};

/**
 * Random saturation, contrast, tint and brightness; one photo in twenty becomes grey.
 *
 * @returns nine numbers (from channel x to channel) on values in [-1, 1], and an offset to all
 */
const randomColour = (random: Random, { colour = 0.3, tint = 0.08 }: Augmentation) => {
  const vary = () => 1 + uniform(random, -colour, colour);
  const [brightness, contrast, saturation] = [vary(), vary(), random() < 0.05 ? 0 : vary()];
  const tints = [0, 1, 2].map(() => 1 + uniform(random, -tint, tint));
  const matrix = LUMA.flatMap((luma, from) =>
    tints.map((tinted, to) => contrast * tinted * (luma * (1 - saturation) + (from === to ? saturation : 0))),
  );
  return { matrix: Float32Array.from(matrix), offset: (brightness - 1) * 0.7 };
};

const LAST = PHOTO_SIDE - 1;

/** Reflects a coordinate at the photo's edges; no crop extends beyond one reflection. */
const reflect = (coordinate: number): number => {
  const inside = Math.abs(coordinate);
  return inside > LAST ? Math.max(0, 2 * LAST - inside) : inside;
};

const ROW = PHOTO_SIDE * PHOTO_CHANNELS;

/**
 * Writes a randomly augmented copy of a photo: crop, stretch, rotation and mirror, then colour.
 *
 * @param pixels uint8 RGB, `224 * 224 * 3`
 * @param side side of the result, in pixels
 * @param out receives float32 `side * side * 3`, about [-1, 1], from `start` on
 */
export const augmentInto = (
  pixels: Uint8Array,
  side: number,
  random: Random,
  out: Float32Array,
  start: number,
  options: Augmentation = {},
): void => {
  const { a, b, c, d, e, f } = randomAffine(random, side, options);
  const { matrix, offset } = randomColour(random, options);
  const [rr = 0, rg = 0, rb = 0, gr = 0, gg = 0, gb = 0, br = 0, bg = 0, bb = 0] = matrix;
  let target = start;
  for (let y = 0.5; y < side; y++) {
    for (let x = 0.5; x < side; x++) {
      const fromX = reflect(a * x + b * y + e - 0.5);
      const fromY = reflect(c * x + d * y + f - 0.5);
      // "| 0" keeps the indices integers for the compiler: this loop runs 50,000 times per photo.
      const left = Math.min(fromX, LAST - 1) | 0;
      const top = Math.min(fromY, LAST - 1) | 0;
      const i = (top * ROW + left * PHOTO_CHANNELS) | 0;
      const right = fromX - left;
      const lower = fromY - top;
      const red = interpolate(pixels, i, right, lower);
      const green = interpolate(pixels, i + 1, right, lower);
      const blue = interpolate(pixels, i + 2, right, lower);
      out[target] = red * rr + green * gr + blue * br + offset;
      out[target + 1] = red * rg + green * gg + blue * bg + offset;
      out[target + 2] = red * rb + green * gb + blue * bb + offset;
      target += PHOTO_CHANNELS;
    }
  }
};

/** Interpolates one channel between the four pixels at and right of and below index `i`, in [-1, 1]. */
const interpolate = (pixels: Uint8Array, i: number, right: number, lower: number): number => {
  const topLeft = pixels[i] ?? 0;
  const topRight = pixels[i + PHOTO_CHANNELS] ?? 0;
  const bottomLeft = pixels[i + ROW] ?? 0;
  const bottomRight = pixels[i + ROW + PHOTO_CHANNELS] ?? 0;
  const above = topLeft + (topRight - topLeft) * right;
  const below = bottomLeft + (bottomRight - bottomLeft) * right;
  return (above + (below - above) * lower) * PIXEL_SCALE + PIXEL_OFFSET;
};

/** Photos and their targets. */
export interface Batch {
  /** float32 `[N, side, side, 3]` in [-1, 1]. */
  readonly photos: tf.Tensor4D;
  /** float32 `[N, classes]`, each row sums to 1. */
  readonly targets: tf.Tensor2D;
}

/** 1 inside a random rectangle that covers at most `share` of the square, 0 outside; `[1, side, side, 1]`. */
const rectangle = (side: number, share: number, random: Random): { mask: tf.Tensor4D; covered: number } => {
  const length = Math.sqrt(share) * side;
  const span = (centre: number): [number, number] => [
    Math.max(0, Math.round(centre - length / 2)),
    Math.min(side, Math.round(centre + length / 2)),
  ];
  const [left, right] = span(random() * side);
  const [top, bottom] = span(random() * side);
  const inside = tf.ones<tf.Rank.R4>([1, bottom - top, right - left, 1]);
  const mask = tf.pad(inside, [
    [0, 0],
    [top, side - bottom],
    [left, side - right],
    [0, 0],
  ]);
  return { mask, covered: ((bottom - top) * (right - left)) / side ** 2 };
};

/** `a (1 - share) + b share` */
const blend = <T extends tf.Tensor>(a: T, b: T, share: tf.Tensor | number): T =>
  tf.add(a, tf.mul(tf.sub(b, a), share));

/**
 * Mixes each photo with another one of its batch: half of the time a rectangle of it (CutMix, Yun et al. 2019),
 * otherwise all of it faintly (mixup, Zhang et al. 2018). The targets are mixed in the same proportion.
 */
export const mix = ({ photos, targets }: Batch, random: Random): Batch => {
  const others = { photos: tf.reverse(photos, 0), targets: tf.reverse(targets, 0) };
  if (random() < 0.5) {
    const share = uniform(random, 0, 0.4);
    return { photos: blend(photos, others.photos, share), targets: blend(targets, others.targets, share) };
  }
  const { mask, covered } = rectangle(photos.shape[1], uniform(random, 0.02, 0.5), random);
  return { photos: blend(photos, others.photos, mask), targets: blend(targets, others.targets, covered) };
};

/** Mixes each photo with another one of its batch, mostly faintly: mixup with shares from about Beta(0.2, 0.2). */
export const mixUp = ({ photos, targets }: Batch, random: Random): Batch => {
  const share = 0.5 * random() ** 5;
  return {
    photos: blend(photos, tf.reverse(photos, 0), share),
    targets: blend(targets, tf.reverse(targets, 0), share),
  };
};

/** Photos as float32 `[N, 224, 224, 3]` in [-1, 1]. */
export const photoTensor = (examples: readonly Example[]): tf.Tensor4D => {
  const values = new Float32Array(examples.length * PHOTO_BYTES);
  examples.forEach(({ pixels }, index) => {
    const start = index * PHOTO_BYTES;
    for (let i = 0; i < PHOTO_BYTES; i++) values[start + i] = (pixels[i] ?? 0) * PIXEL_SCALE + PIXEL_OFFSET;
  });
  return tf.tensor4d(values, [examples.length, PHOTO_SIDE, PHOTO_SIDE, PHOTO_CHANNELS]);
};

/** Targets as float32 `[N, classes]`: 1 for the true class, minus the smoothing, which is spread over all classes. */
export const targetTensor = (examples: readonly Example[], classes: number, smoothing: number): tf.Tensor2D =>
  tf.tidy(() => {
    const labels = tf.tensor1d(
      examples.map(({ label }) => label),
      'int32',
    );
    const oneHot = tf.reshape<tf.Rank.R2>(tf.oneHot(labels, classes), [examples.length, classes]);
    return tf.add(tf.mul(oneHot, 1 - smoothing), smoothing / classes);
  });
