import * as tf from '@tensorflow/tfjs-core';
import { type Random, uniform } from '../shared/random.ts';

/** Photos and what they show. */
export interface Batch {
  /** float32 `[N, side, side, 3]` in [-1, 1]. */
  readonly photos: tf.Tensor4D;
  /** float32 `[N, classes]`, each row sums to 1. */
  readonly targets: tf.Tensor2D;
}

/** 1 inside a random rectangle that covers `share` of the square at most, 0 outside; `[1, side, side, 1]`. */
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
 * Mixes each photo with another of its batch: half of the time a rectangle of it (CutMix, Yun et al. 2019),
 * else the whole of it faintly (mixup, Zhang et al. 2018). The targets are mixed in the same proportion.
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
