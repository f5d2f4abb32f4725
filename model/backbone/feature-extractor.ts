import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { PHOTO_CHANNELS } from '../contract/tensors.ts';
import type { Graph, Node } from '../savedmodel/graph.ts';
import type { GraphReader } from './graph-reader.ts';
import type { GraphDefNode } from './model-files.ts';

/** The values that a network wants its black and white pixels to have. */
export interface InputRange {
  readonly low: number;
  readonly high: number;
}

const RANGE = /^(-?[\d.]+),(-?[\d.]+)$/;

/** A range as it is typed, such as `0,255`. */
export const rangeText = z
  .string()
  .refine((text) => {
    const [, low, high] = RANGE.exec(text) ?? [];
    return Number(low) < Number(high);
  }, 'the values of black and white, such as 0,255')
  .meta({
    value: 'LOW,HIGH',
    description: 'what the backbone wants black and white to be, such as 0,255 (found out)',
  });

/** @param text one of {@link rangeText} */
export const parseRange = (text: string | undefined): InputRange | undefined => {
  const [, low, high] = RANGE.exec(text ?? '') ?? [];
  return low === undefined ? undefined : { low: Number(low), high: Number(high) };
};

/** What MobileNet and similar networks compute with; the range of our photos too. */
export const SYMMETRIC: InputRange = { low: -1, high: 1 };

/** What a network does to its photos before the network proper: `x * scale + offset`, one for all channels or for each. */
export interface Affine {
  readonly scale: readonly number[];
  readonly offset: readonly number[];
}

export interface Preprocessing extends Affine {
  /** The node after which the network proper begins. */
  readonly end: GraphDefNode;
}

const STEPS = new Set(['Mul', 'Sub', 'Add', 'AddV2', 'RealDiv', 'Div']);

/** Of two lists of which either may have one number for all. */
const combine = (
  a: readonly number[],
  b: readonly number[],
  combined: (x: number, y: number) => number,
): number[] =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, index) =>
    combined(a[a.length === 1 ? 0 : index] ?? Number.NaN, b[b.length === 1 ? 0 : index] ?? Number.NaN),
  );

const after = ({ scale, offset }: Affine, end: GraphDefNode, numbers: readonly number[]): Preprocessing => {
  const isDivision = end.op === 'RealDiv' || end.op === 'Div';
  if (end.op === 'Mul' || isDivision) {
    const scaled = (values: readonly number[]) =>
      combine(values, numbers, (x, y) => (isDivision ? x / y : x * y));
    return { scale: scaled(scale), offset: scaled(offset), end };
  }
  return { scale, offset: combine(offset, numbers, (x, y) => (end.op === 'Sub' ? x - y : x + y)), end };
};

/**
 * Follows the photos through multiplications and additions of constants.
 *
 * @returns undefined when a step cannot be understood, such as a photo that is subtracted from a number
 */
export const readPreprocessing = (
  reader: GraphReader,
  placeholder: GraphDefNode,
): Preprocessing | undefined => {
  let found: Preprocessing = { scale: [1], offset: [0], end: placeholder };
  for (let node = placeholder; ; ) {
    const [next, another] = reader.consumers(node);
    if (!next || another) return found;
    node = next;
    if (next.op === 'Identity') continue;
    if (!STEPS.has(next.op)) return found;
    const [left, right] = reader.inputs(next).map((input) => reader.constant(input));
    if (!left && !right) return found;
    const isSymmetric = next.op === 'Mul' || next.op.startsWith('Add');
    const { values = [] } = right ?? (isSymmetric ? left : undefined) ?? {};
    if (values.length !== 1 && values.length !== PHOTO_CHANNELS) return undefined;
    found = after(found, next, [...values]);
  }
};

/**
 * Scales and offsets of known preprocessings, and the photos that they are made for. The network behind them computes
 * with [-1, 1], or with [0, 1] in the last case.
 */
const KNOWN: readonly { readonly scale: number; readonly offset: number; readonly range: InputRange }[] = [
  { scale: 1, offset: 0, range: SYMMETRIC },
  // TensorFlow Hub's image modules.
  { scale: 2, offset: -1, range: { low: 0, high: 1 } },
  { scale: 1 / 127.5, offset: -1, range: { low: 0, high: 255 } },
  { scale: 1 / 255, offset: 0, range: { low: 0, high: 255 } },
];

const near = (a: number, b: number) => Math.abs(a - b) <= 1e-3 * Math.abs(b) + 1e-6;
const isEverywhere = (numbers: readonly number[], number: number) =>
  numbers.every((each) => near(each, number));

/** How far, of half its width, the middle of a channel may be from zero in photos of the right range. */
const OFF_CENTRE = 0.25;

/** Means that are taken off, as of ImageNet's channels, bring photos of the right range about zero, and no others. */
const isCentred = ({ scale, offset }: Affine, { low, high }: InputRange): boolean =>
  combine(
    scale,
    offset,
    (factor, term) => Math.abs((factor * (high + low)) / 2 + term) / Math.abs((factor * (high - low)) / 2),
  ).every((distance) => distance <= OFF_CENTRE);

/** @returns undefined when the preprocessing makes sense for no range, or for more than one */
export const rangeFor = (affine: Affine): InputRange | undefined => {
  const known = KNOWN.find(
    ({ scale, offset }) => isEverywhere(affine.scale, scale) && isEverywhere(affine.offset, offset),
  );
  if (known) return known.range;
  const [range, another] = [SYMMETRIC, { low: 0, high: 1 }, { low: 0, high: 255 }].filter((range) =>
    isCentred(affine, range),
  );
  return another ? undefined : range;
};

/**
 * Whether a window over a map covers it, but for a border that it leaves.
 *
 * @param side of the photo, in pixels
 * @param strides by which the photo was shrunk on its way
 */
export const coversMap = (window: number, side: number, strides: readonly number[]): boolean =>
  window >= (0.75 * side) / strides.reduce((product, stride) => product * stride, 1);

/** What takes our photos, in [-1, 1], to a range: `x * scale + offset`. */
export const toRange = ({ low, high }: InputRange): { readonly scale: number; readonly offset: number } => ({
  scale: (high - low) / 2,
  offset: (high + low) / 2,
});

/** Whether a preprocessing turns photos of `range` into ours, so that both can be left out. */
export const undoes = (preprocessing: Preprocessing, range: InputRange): boolean => {
  const { scale, offset } = toRange(range);
  const shifted = combine(
    preprocessing.scale,
    preprocessing.offset,
    (factor, term) => factor * offset + term,
  );
  return isEverywhere(preprocessing.scale, 1 / scale) && isEverywhere(shifted, 0);
};

/** Writes what takes our photos to a range. */
export const writeRange = (graph: Graph, photos: Node, range: InputRange): Node => {
  const { scale, offset } = toRange(range);
  if (scale === 1 && offset === 0) return photos;
  const scaled = graph.float('Mul', 'range/scaled', [photos, graph.scalar('range/scale', scale)]);
  return graph.float('AddV2', 'range', [scaled, graph.scalar('range/offset', offset)]);
};

/**
 * The convolutions of a pretrained network, up to its global pooling, whatever format it came in. Its features are the
 * means of its feature maps: of the last one, and of the last ones at higher resolutions.
 */
export interface FeatureExtractor {
  /** Side of the photos that the network was made for, in pixels. */
  readonly side: number;
  /** What it wants black and white to be. */
  readonly range: InputRange;
  /**
   * @param photos float32 `[N, S, S, 3]` in `range`, of any side
   * @returns float32 `[N, F]`, to be disposed of
   */
  readonly pool: (photos: tf.Tensor4D) => tf.Tensor2D;
  /**
   * Writes the same as {@link pool}.
   *
   * @param photos float32 `[N, S, S, 3]` in [-1, 1]
   * @returns float32 `[N, F]`
   * @throws ExportError when an operation has no exact counterpart
   */
  readonly write: (graph: Graph, photos: Node) => Node;
  readonly dispose: () => void;
}

export interface FeatureExtractorOptions {
  /** Feature maps to be pooled: the last at each of so many resolutions, counted from the end. */
  readonly featureLevels: number;
  /** What the network wants black and white to be, where the network does not say it. */
  readonly range?: InputRange | undefined;
}
