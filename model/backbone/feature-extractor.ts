import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { PHOTO_CHANNELS } from '../contract/tensors.ts';
import type { Graph, Node } from '../savedmodel/graph.ts';
import type { GraphReader } from './graph-reader.ts';
import { BackboneError, type GraphDefNode } from './model-files.ts';

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

/** What a network does to each channel of its photos before the network proper: `x * scale + offset`. */
export type Affine = readonly { readonly scale: number; readonly offset: number }[];

export interface Preprocessing {
  readonly affine: Affine;
  /** The node after which the network proper begins. */
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
 * @returns undefined when a step cannot be understood, such as a photo that is subtracted from a number
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

/** How far, of half its width, the middle of a channel may be from zero in photos of the right range. */
const OFF_CENTRE = 0.25;

const UNKNOWN_RANGE =
  'what it does to its photos first is not known here. Say which values it wants black and white to have, with --range LOW,HIGH (in a SageMaker job the hyperparameter pretrained-range), such as 0,255.';

/**
 * The range of photos that a preprocessing is made for: it brings them about zero, and those of other ranges not; or it
 * brings bytes to [0, 1].
 *
 * @throws BackboneError when it makes sense for no range, or for more than one
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

/** A node or layer on the way of a photo through a network, as far as finding feature maps asks. */
export interface Step<Node> {
  readonly node: Node;
  /** `pooling`: over the whole map; `vector`: what makes one of a map; `border`: what is put around a map before it is halved. */
  readonly kind?: 'pooling' | 'vector' | 'border' | undefined;
  readonly stride: number;
  /** Side of a pooling's window that goes over no border. */
  readonly window?: number | undefined;
}

/**
 * The last feature map at each resolution, from the last of all: the one before the global pooling, whatever comes after
 * that; before the map is made a vector, where none is pooled; the output, where the classifier was left out.
 *
 * @param path from the output back to the photo, which is not in it
 * @param side of the photo, in pixels
 */
export const findFeatureMaps = <Node>(path: readonly Step<Node>[], side: number): Node[] => {
  /** A window over a map covers it, but for a border that it leaves. */
  const pooling = path.findIndex(
    ({ kind, window = 0 }, index) =>
      kind === 'pooling' ||
      window >= (0.75 * side) / path.slice(index + 1).reduce((product, { stride }) => product * stride, 1),
  );
  const end = pooling === -1 ? path.findLastIndex(({ kind }) => kind === 'vector') : pooling;
  const maps = path.slice(end + 1).filter(({ kind }, index) => index === 0 || kind !== 'border');
  return maps.filter((_, index) => index === 0 || (maps[index - 1]?.stride ?? 1) > 1).map(({ node }) => node);
};

/** What takes our photos, in [-1, 1], to a range: `x * scale + offset`. */
export const toRange = ({ low, high }: InputRange): { readonly scale: number; readonly offset: number } => ({
  scale: (high - low) / 2,
  offset: (high + low) / 2,
});

/** Whether a preprocessing turns photos of `range` into ours, so that both can be left out. */
export const undoes = (affine: Affine, range: InputRange): boolean => {
  const ours = toRange(range);
  return affine.every(
    ({ scale, offset }) => near(scale * ours.scale, 1) && near(scale * ours.offset + offset, 0),
  );
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
