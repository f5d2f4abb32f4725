import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { PHOTO_CHANNELS } from '../contract/tensors.ts';
import type { Graph, Node } from '../savedmodel/graph.ts';
import type { GraphReader } from './graph-reader.ts';
import { BackboneError, type GraphDefNode } from './model-files.ts';

/** The values that a network expects for black and white pixels. */
export interface InputRange {
  readonly low: number;
  readonly high: number;
}

const RANGE = /^(-?[\d.]+),(-?[\d.]+)$/;

/** A range as typed, such as `0,255`. */
export const rangeText = z
  .string()
  .refine((text) => {
    const [, low, high] = RANGE.exec(text) ?? [];
    return Number(low) < Number(high);
  }, 'the values of black and white, such as 0,255')
  .meta({
    value: 'LOW,HIGH',
    description:
      'values that the backbone expects for black and white, such as 0,255 (determined from the network)',
  });

/** @param text valid according to {@link rangeText} */
export const parseRange = (text: string | undefined): InputRange | undefined => {
  const [, low, high] = RANGE.exec(text ?? '') ?? [];
  return low === undefined ? undefined : { low: Number(low), high: Number(high) };
};

/** The range of MobileNet and similar networks, and of our photos. */
export const SYMMETRIC: InputRange = { low: -1, high: 1 };

/** A network's preprocessing of each channel: `x * scale + offset`. */
export type Affine = readonly { readonly scale: number; readonly offset: number }[];

export interface Preprocessing {
  readonly affine: Affine;
  /** The last node of the preprocessing. */
  readonly end: GraphDefNode;
}

const STEPS: Readonly<Record<string, (before: Affine[number], number: number) => Partial<Affine[number]>>> = {
  Mul: ({ scale, offset }, y) => ({ scale: scale * y, offset: offset * y }),
  RealDiv: ({ scale, offset }, y) => ({ scale: scale / y, offset: offset / y }),
  Sub: ({ offset }, y) => ({ offset: offset - y }),
  AddV2: ({ offset }, y) => ({ offset: offset + y }),
};
const ALIASES: Readonly<Record<string, string>> = { Div: 'RealDiv', Add: 'AddV2' };

/**
 * Follows the photos through multiplications and additions of constants.
 *
 * @returns undefined if a step is not understood, such as a photo that is subtracted from a number
 */
export const readPreprocessing = (
  reader: GraphReader,
  placeholder: GraphDefNode,
): Preprocessing | undefined => {
  let affine: Affine = Array.from({ length: PHOTO_CHANNELS }, () => ({ scale: 1, offset: 0 }));
  let end = placeholder;
  for (let node = placeholder; ; ) {
    const [next, another] = reader.consumers(node);
    if (!next || another) return { affine, end };
    node = next;
    if (next.op === 'Identity') continue;
    const op = ALIASES[next.op] ?? next.op;
    const step = STEPS[op];
    const [left, right] = reader.inputs(next).map((input) => reader.constant(input));
    if (!step || (!left && !right)) return { affine, end };
    const isSymmetric = op === 'Mul' || op === 'AddV2';
    const { values = [] } = right ?? (isSymmetric ? left : undefined) ?? {};
    if (values.length !== 1 && values.length !== PHOTO_CHANNELS) return undefined;
    affine = affine.map((before, channel) => ({
      ...before,
      ...step(before, values[values.length === 1 ? 0 : channel] ?? Number.NaN),
    }));
    end = next;
  }
};

const near = (a: number, b: number) => Math.abs(a - b) <= 1e-3 * Math.abs(b) + 1e-6;

/** How far the middle of a channel may be from zero in the right range, as a share of half its width. */
const OFF_CENTRE = 0.25;

const UNKNOWN_RANGE =
  'its preprocessing is not understood. Set the values that it expects for black and white with --range LOW,HIGH, such as 0,255 (in a SageMaker job, with the hyperparameter pretrained-range).';

/**
 * The range of photos that a preprocessing is made for: it centres them about zero, or scales bytes to [0, 1].
 *
 * @throws BackboneError if no range fits, or more than one
 */
export const rangeFor = (directory: string, affine: Affine | undefined): InputRange => {
  const bytes = { low: 0, high: 255 };
  if (affine?.every(({ scale, offset }) => near(scale, 1 / 255) && near(offset, 0))) return bytes;
  const [range, another] = [SYMMETRIC, { low: 0, high: 1 }, bytes].filter((range) => {
    const ours = toRange(range);
    return affine?.every(
      ({ scale, offset }) =>
        Math.abs(scale * ours.offset + offset) <= OFF_CENTRE * Math.abs(scale * ours.scale),
    );
  });
  if (!range || another) throw new BackboneError(directory, UNKNOWN_RANGE);
  return range;
};

/** A node or layer on the path of a photo through a network, as needed to find feature maps. */
export interface Step<Node> {
  readonly node: Node;
  /** `pooling`: over a window; `vector`: flattens a map; `border`: pads a map before its resolution is halved. */
  readonly kind?: 'pooling' | 'vector' | 'border' | undefined;
  readonly stride: number;
  /** Side of a pooling's window, without padding. */
  readonly window?: number | undefined;
}

/**
 * The last feature map at each resolution, beginning with the very last: the one before the global pooling, or before
 * the map is flattened if there is no pooling, or the output if the classifier was removed.
 *
 * @param path from the output back to the photo, without the photo
 * @param side side of the photo, in pixels
 */
export const findFeatureMaps = <Node>(path: readonly Step<Node>[], side: number): Node[] => {
  /** Whether a window covers a map, except for a border. */
  const pooling = path.findIndex(
    ({ kind, window = 0 }, index) =>
      kind === 'pooling' ||
      window >= (0.75 * side) / path.slice(index + 1).reduce((product, { stride }) => product * stride, 1),
  );
  const end = pooling === -1 ? path.findLastIndex(({ kind }) => kind === 'vector') : pooling;
  const maps = path.slice(end + 1).filter(({ kind }, index) => index === 0 || kind !== 'border');
  return maps.filter((_, index) => index === 0 || (maps[index - 1]?.stride ?? 1) > 1).map(({ node }) => node);
};

/** Converts our photos, in [-1, 1], to a range: `x * scale + offset`. */
export const toRange = ({ low, high }: InputRange): { readonly scale: number; readonly offset: number } => ({
  scale: (high - low) / 2,
  offset: (high + low) / 2,
});

/** Whether a preprocessing converts photos of `range` back to ours, so that both can be omitted. */
export const undoes = (affine: Affine, range: InputRange): boolean => {
  const ours = toRange(range);
  return affine.every(
    ({ scale, offset }) => near(scale * ours.scale, 1) && near(scale * ours.offset + offset, 0),
  );
};

/** Writes the conversion of our photos to a range. */
export const writeRange = (graph: Graph, photos: Node, range: InputRange): Node => {
  const { scale, offset } = toRange(range);
  if (scale === 1 && offset === 0) return photos;
  const scaled = graph.float('Mul', 'range/scaled', [photos, graph.scalar('range/scale', scale)]);
  return graph.float('AddV2', 'range', [scaled, graph.scalar('range/offset', offset)]);
};

/**
 * The convolutions of a pretrained network up to its global pooling, from either format. Its features are the means of
 * its last feature map, and of the last ones at higher resolutions.
 */
export interface FeatureExtractor {
  /** Side of the network's original input, in pixels. */
  readonly side: number;
  /** The values that it expects for black and white. */
  readonly range: InputRange;
  /**
   * @param photos float32 `[N, S, S, 3]` in `range`, of any side
   * @returns float32 `[N, F]`, which must be disposed of
   */
  readonly pool: (photos: tf.Tensor4D) => tf.Tensor2D;
  /**
   * Writes the graph of {@link pool}.
   *
   * @param photos float32 `[N, S, S, 3]` in [-1, 1]
   * @returns float32 `[N, F]`
   * @throws ExportError when an operation has no exact counterpart
   */
  readonly write: (graph: Graph, photos: Node) => Node;
  readonly dispose: () => void;
}

export interface FeatureExtractorOptions {
  /** Number of resolutions, counted from the end, whose last feature map is pooled. */
  readonly featureLevels: number;
  /** What the network wants black and white to be, where the network does not say it. */
  readonly range?: InputRange | undefined;
}
