import { Float16Array } from '@petamoriken/float16';
import type { DecodedModel } from '../savedmodel/file.ts';
import { attribute, DataType, type Graph, type Node, tensorOf } from '../savedmodel/graph.ts';
import { type ClassGaussians, dot, EPSILON, type KnownScore, solveLower } from './known-score.ts';

/** Prefix of the background's nodes. */
const BACKGROUND = 'background';

type WriteConstant = (
  graph: Graph,
  name: string,
  values: Float64Array,
  dimensions: readonly number[],
) => Node;

/** Full precision, because distances to classes are differences of large numbers. */
const full: WriteConstant = (graph, name, values, dimensions) =>
  graph.floats(name, Float32Array.from(values), dimensions);

/** The precision of weights, which is that of the background's file. */
const asWeights: WriteConstant = (graph, name, values, dimensions) =>
  graph.weights(name, Float32Array.from(values), dimensions);

const product = (graph: Graph, name: string, x: Node, matrix: Node): Node =>
  graph.float('MatMul', name, [x, matrix], {
    transpose_a: attribute.boolean(false),
    transpose_b: attribute.boolean(false),
  });

/** `[N, F]` to `[N, 1]`: the mean square of each row. */
const meanSquare = (graph: Graph, name: string, x: Node): Node =>
  graph.reshape(
    `${name}/column`,
    graph.mean(name, graph.float('Mul', `${name}/squares`, [x, x]), [1]),
    [-1, 1],
  );

/** Whitening as a matrix `[F, F]` that rows are multiplied by: row r is `L⁻¹ e_r`. */
const whitening = (lower: Float64Array, size: number): Float64Array => {
  const matrix = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    const unit = new Float64Array(size);
    unit[row] = 1;
    matrix.set(solveLower(lower, size, unit), row * size);
  }
  return matrix;
};

/** `[N, 1]`: the distance to the nearest class, and by how much its square is below those of all on average. */
const writeDistances = (
  graph: Graph,
  photo: Node,
  { mean, lower, centres }: ClassGaussians,
  constant = full,
) => {
  const size = mean.length;
  const centred = graph.float('Sub', 'known/centred', [photo, constant(graph, 'known/mean', mean, [size])]);
  const matrix = constant(graph, 'known/whitening', whitening(lower, size), [size, size]);
  const white = product(graph, 'known/white', centred, matrix);

  // |white - centre|² / F = |white|² / F - 2 white · centre / F + |centre|² / F, for all classes at once.
  const across = new Float64Array(size * centres.length);
  centres.forEach((centre, column) => {
    for (let row = 0; row < size; row++)
      across[row * centres.length + column] = (-2 * (centre[row] ?? 0)) / size;
  });
  const directions = constant(graph, 'known/centres', across, [size, centres.length]);
  const towards = product(graph, 'known/towards', white, directions);
  const squared = Float64Array.from(centres, (centre) => dot(centre, centre) / size);
  const lengths = constant(graph, 'known/lengths', squared, [centres.length]);
  const shifted = graph.float('AddV2', 'known/shifted', [towards, lengths]);
  const squares = graph.float('AddV2', 'known/squares', [shifted, meanSquare(graph, 'known/length', white)]);
  const nearest = graph.float('Min', 'known/nearest', [squares, graph.integers('known/nearest/axes', [1])], {
    Tidx: attribute.type(DataType.int32),
    keep_dims: attribute.boolean(true),
  });
  // Rounding may leave a tiny negative square.
  const far = graph.float('Sqrt', 'known/distance', [graph.float('Relu', 'known/positive', [nearest])]);
  const margin = () => {
    const average = graph.reshape('known/average', graph.mean('known/mean_square', squares, [1]), [-1, 1]);
    return graph.float('Sub', 'known/margin', [average, nearest]);
  };
  return { far, margin };
};

/** `[N, 1]`: by how much a photo is nearer to the background than is usual. */
const writeCloseness = (graph: Graph, photo: Node, background: ClassGaussians, usual: number): Node => {
  const { far } = graph.within(BACKGROUND, () => writeDistances(graph, photo, background, asWeights));
  const nearer = graph.float('Sub', 'known/nearer', [graph.scalar('known/usual', usual), far]);
  return graph.float('Relu', 'known/closeness', [nearer]);
};

/** The background of a decoded graph, if there is one. */
export const readBackgroundNodes = (nodes: DecodedModel['nodes']): ClassGaussians | undefined => {
  const [mean, matrix] = ['mean', 'whitening'].map((name) => {
    const node = `${BACKGROUND}/known/${name}`;
    const value = tensorOf(nodes.get(`${node}/half`) ?? nodes.get(node));
    const bytes = value && Uint8Array.from(value.tensorContent).buffer;
    const isHalf = value?.dtype === DataType.half;
    return bytes && Float64Array.from(isHalf ? new Float16Array(bytes) : new Float32Array(bytes));
  });
  if (!mean || !matrix) return undefined;
  const { length } = mean;
  const transposed = (values: Float64Array) =>
    values.map((_, at) => values[(at % length) * length + Math.floor(at / length)] ?? 0);
  const lower = transposed(whitening(transposed(matrix), length));
  return { mean, lower, centres: [new Float64Array(length)] };
};

/** `[N, 1]`: the largest probability. */
const writeLargest = (graph: Graph, logits: Node, temperature: number): Node => {
  const soft = graph.float('Mul', 'known/soft', [logits, graph.scalar('known/soft/scale', 1 / temperature)]);
  return graph.float(
    'Max',
    'known/largest',
    [graph.float('Softmax', 'known/softmax', [soft]), graph.integers('known/largest/axes', [1])],
    { Tidx: attribute.type(DataType.int32), keep_dims: attribute.boolean(true) },
  );
};

/**
 * Writes `scoreOf` for a batch: float32 `[N]`.
 *
 * @param features float32 `[N, F]`
 * @param logits float32 `[N, C]`
 */
export const writeKnownScore = (
  graph: Graph,
  features: Node,
  logits: Node,
  { gaussians, temperature, confidence, distance, background, penalty, usual, offset }: KnownScore,
): Node => {
  // Scales each photo's features to a root mean square of 1.
  const size = meanSquare(graph, 'known/size', features);
  const square = graph.float('AddV2', 'known/square', [size, graph.scalar('known/epsilon', EPSILON)]);
  const scale = graph.float('Rsqrt', 'known/scale', [square]);
  const normalised = graph.float('Mul', 'known/normalised', [features, scale]);
  const { far, margin } = writeDistances(graph, normalised, gaussians);
  const clear = temperature === undefined ? margin() : writeLargest(graph, logits, temperature);
  const sure = graph.float('Mul', 'known/sure', [clear, graph.scalar('known/confidence', confidence)]);
  const near = graph.float('Mul', 'known/near', [far, graph.scalar('known/weight', -distance)]);
  const weighted = (closeness: Node) =>
    graph.float('Mul', 'known/penalty', [closeness, graph.scalar('known/penalty/weight', -penalty)]);
  const both = graph.float('AddV2', 'known/both', [sure, near]);
  const all = background
    ? graph.float('AddV2', 'known/all', [
        both,
        weighted(writeCloseness(graph, normalised, background, usual)),
      ])
    : both;
  const column = graph.float('AddV2', 'known/column', [all, graph.scalar('known/offset', offset)]);
  return graph.reshape('known_score', column, [-1]);
};
