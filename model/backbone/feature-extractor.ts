import type * as tf from '@tensorflow/tfjs-core';
import type { Graph, Node } from '../savedmodel/graph.ts';
import type { GraphReader } from './graph-reader.ts';
import type { GraphDefNode } from './model-files.ts';

/** The values that a network wants its black and white pixels to have. */
export interface InputRange {
  readonly low: number;
  readonly high: number;
}

/** What MobileNet and similar networks compute with; the range of our photos too. */
export const SYMMETRIC: InputRange = { low: -1, high: 1 };

/** What a graph does to its photos before the network proper: `x * scale + offset`. */
export interface Preprocessing {
  readonly scale: number;
  readonly offset: number;
  /** The node after which the network proper begins. */
  readonly end: GraphDefNode;
}

const STEPS = new Set(['Mul', 'Sub', 'Add', 'AddV2', 'RealDiv', 'Div']);

const after = ({ scale, offset }: Preprocessing, end: GraphDefNode, number: number): Preprocessing => {
  if (end.op === 'Mul') return { scale: scale * number, offset: offset * number, end };
  if (end.op === 'RealDiv' || end.op === 'Div')
    return { scale: scale / number, offset: offset / number, end };
  return { scale, offset: end.op === 'Sub' ? offset - number : offset + number, end };
};

/**
 * Follows the photos through multiplications and additions of plain numbers.
 *
 * @returns undefined when a step cannot be understood, such as one with a number for each channel
 */
export const readPreprocessing = (
  reader: GraphReader,
  placeholder: GraphDefNode,
): Preprocessing | undefined => {
  let found: Preprocessing = { scale: 1, offset: 0, end: placeholder };
  for (let node = placeholder; ; ) {
    const [next, another] = reader.consumers(node);
    if (!next || another) return found;
    node = next;
    if (next.op === 'Identity') continue;
    if (!STEPS.has(next.op)) return found;
    const [left, right] = next.input.map((input) => reader.constant(input));
    if (!left && !right) return found;
    const isSymmetric = next.op === 'Mul' || next.op.startsWith('Add');
    const { values = [] } = right ?? (isSymmetric ? left : undefined) ?? {};
    const [number] = values;
    if (values.length !== 1 || number === undefined) return undefined;
    found = after(found, next, number);
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

/** @returns undefined when the preprocessing is none of the known ones */
export const rangeFor = ({ scale, offset }: Preprocessing): InputRange | undefined =>
  KNOWN.find((known) => near(scale, known.scale) && near(offset, known.offset))?.range;

/** What takes our photos, in [-1, 1], to a range: `x * scale + offset`. */
export const toRange = ({ low, high }: InputRange): { readonly scale: number; readonly offset: number } => ({
  scale: (high - low) / 2,
  offset: (high + low) / 2,
});

/** Whether a preprocessing turns photos of `range` into ours, so that both can be left out. */
export const undoes = (preprocessing: Preprocessing, range: InputRange): boolean => {
  const { scale, offset } = toRange(range);
  return near(preprocessing.scale * scale, 1) && near(preprocessing.scale * offset + preprocessing.offset, 0);
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
