import { registerOp } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import type { ExportedNetwork } from './export-layers.ts';
import { type DecodedModel, decodeSavedModel, encodeSavedModel } from './file.ts';
import { DataType, Graph, type Node, tensorOf } from './graph.ts';
import type { NodeDef } from './proto/tensorflow_pb.ts';
import { copyNodes, toGraphModel } from './run.ts';
import type { NetworkWriter } from './serving-graph.ts';

/** The name of the input for photos. */
const PHOTOS = 'photos';

const asMatrix = (x: tf.Tensor): tf.Tensor2D => tf.reshape(x, [-1, x.shape.at(-1) ?? 1]);

/** A pointwise convolution as a matrix product, whose gradients are products too. Takes half the time. */
const pointwise = (photos: tf.Tensor, kernel: tf.Tensor): tf.Tensor =>
  tf.customGrad((...inputs) => {
    const save = inputs.at(-1);
    const product = tf.matMul(asMatrix(photos), asMatrix(kernel));
    if (typeof save === 'function') save([photos, kernel]);
    return {
      value: tf.reshape(product, [...photos.shape.slice(0, -1), kernel.shape.at(-1) ?? 1]),
      gradFunc: (dy, [x = dy, w = dy]) => [
        // On WebAssembly, products with a transposed factor are slow.
        tf.reshape(tf.matMul(asMatrix(dy), tf.transpose(asMatrix(w))), x.shape),
        tf.reshape(tf.matMul(tf.transpose(asMatrix(x)), asMatrix(dy)), w.shape),
      ],
    };
  })(photos, kernel);

/** TensorFlow.js composes its gradient of many passes over the activation. */
const relu6 = (x: tf.Tensor): tf.Tensor =>
  tf.customGrad((...inputs) => {
    const save = inputs.at(-1);
    const value = tf.relu6(x);
    if (typeof save === 'function') save([value]);
    return {
      value,
      gradFunc: (dy, [y = dy]) =>
        tf.mul(dy, tf.cast(tf.logicalAnd(tf.greater(y, 0), tf.less(y, 6)), 'float32')),
    };
  })(x);

/** Operations with our own gradients, by their names in the executor. */
const [POINTWISE, RELU6] = ['Trained Conv2D', 'Trained Relu6'] as const;
registerOp(POINTWISE, ({ inputs: [x, kernel] }) => (x && kernel ? pointwise(x, kernel) : []));
registerOp(RELU6, ({ inputs: [x] }) => (x ? relu6(x) : []));

interface GraphWeight {
  readonly name: string;
  readonly variable: tf.Variable;
}

/** Height and width of a convolution's kernel. */
const kernelSize = ({ op, input }: NodeDef, nodes: DecodedModel['nodes']): [number, number] | undefined => {
  if (op !== 'Conv2D' && op !== 'DepthwiseConv2dNative') return undefined;
  const [height, width] = tensorOf(nodes.get(input[1] ?? ''))?.tensorShape?.dim ?? [];
  return height && width && [Number(height.size), Number(width.size)];
};

const stridesOf = ({ attr }: NodeDef): number[] => {
  const value = attr['strides']?.value;
  return value?.case === 'list' ? value.value.i.map(Number) : [];
};

const trainedOperation = (node: NodeDef, nodes: DecodedModel['nodes']): string | undefined => {
  if (node.op === 'Relu6') return RELU6;
  const isOfPixels = node.op === 'Conv2D' && kernelSize(node, nodes)?.every((side) => side === 1);
  return isOfPixels && stridesOf(node).every((stride) => stride === 1) ? POINTWISE : undefined;
};

/**
 * A network as a graph whose last weights can be trained. The same operations are trained and exported, whatever the
 * network's original format. It is divided into blocks, each of which begins at a convolution with a kernel larger than
 * one pixel; the last block includes all following layers.
 */
export class TrainableGraph {
  readonly blocks: number;
  /** The trained variables, in the graph's order. */
  readonly trained: readonly GraphWeight[];
  /** The number of all parameters, and of the trained ones. */
  readonly parameters: { readonly total: number; readonly trained: number };
  readonly #nodes: ReadonlyMap<string, NodeDef>;
  readonly #model: ReturnType<typeof toGraphModel>;
  readonly #network: ExportedNetwork;
  /** Outputs of the frozen part that the trained part reads. */
  readonly #frontier: readonly Node[];

  /**
   * @param write writes the network; its photos are float32 `[N, S, S, 3]` in [-1, 1], of any side
   * @param blocks how many of the last blocks are trained
   * @param always whether a weight is trained regardless of its block
   */
  constructor(write: NetworkWriter, blocks: number, always: (name: string) => boolean = () => false) {
    const graph = new Graph('float');
    const photos = graph.placeholder(PHOTOS, DataType.float, [null, null, null, 3]);
    this.#network = write(graph, photos);
    const tensor = (node: Node) => ({ node, dtype: DataType.float, shape: [null, null] });
    const decoded = decodeSavedModel(
      encodeSavedModel({
        graph,
        inputs: { [PHOTOS]: tensor(photos) },
        outputs: {
          features: tensor(this.#network.features),
          logits: tensor(this.#network.logits),
        },
      }),
    );
    this.#nodes = decoded.nodes;
    this.#model = toGraphModel(decoded, (node) => trainedOperation(node, decoded.nodes));
    const { weights } = this.#model;
    const tensorOf = (name: string) => weights[name]?.[0];

    const blockOf = new Map<string, number>();
    let block = 0;
    for (const node of decoded.nodes.values()) {
      if (kernelSize(node, decoded.nodes)?.some((side) => side > 1)) block += 1;
      for (const input of node.input)
        if ((tensorOf(input)?.rank ?? 0) > 0 && tensorOf(input)?.dtype === 'float32')
          blockOf.set(input, block);
    }
    this.blocks = block;
    this.trained = [...blockOf]
      .filter(([name, index]) => index > block - blocks || always(name))
      .flatMap(([name]) => {
        const value = tensorOf(name);
        if (!value) return [];
        // Kept, because the executor would dispose of it as an intermediate result.
        const variable = tf.variable(value);
        tf.keep(variable);
        weights[name] = [variable];
        value.dispose();
        return [{ name, variable }];
      });
    const count = (names: readonly string[]) =>
      names.reduce((sum, name) => sum + (tensorOf(name)?.size ?? 0), 0);
    this.parameters = {
      total: count([...blockOf.keys()]),
      trained: count(this.trained.map(({ name }) => name)),
    };
    this.#frontier = this.#findFrontier();
  }

  #findFrontier(): Node[] {
    const learned = new Set(this.trained.map(({ name }) => name));
    const frontier = new Set<string>();
    for (const node of this.#nodes.values()) {
      if (!node.input.some((input) => learned.has(input))) continue;
      learned.add(node.name);
      for (const input of node.input)
        if (!learned.has(input) && !(input in this.#model.weights)) frontier.add(input);
    }
    return [...frontier].filter((name) => !learned.has(name));
  }

  /**
   * Runs the frozen part. The result must be disposed of.
   *
   * @param photos float32 `[N, S, S, 3]` in [-1, 1]
   */
  runFrozen(photos: tf.Tensor4D): tf.NamedTensorMap {
    const names = this.#frontier.filter((name) => name !== PHOTOS);
    const given: tf.NamedTensorMap =
      names.length < this.#frontier.length ? { [PHOTOS]: tf.clone(photos) } : {};
    if (names.length === 0) return given;
    const outputs = tf.tidy(() => [this.#model.execute({ [PHOTOS]: photos }, names)].flat());
    names.forEach((name, index) => {
      if (outputs[index]) given[name] = outputs[index];
    });
    return given;
  }

  /** Runs the trained part, which is differentiable: float32 `[N, classes]`. */
  runTrained(frozen: tf.NamedTensorMap): tf.Tensor2D {
    return this.#execute(frozen, this.#network.logits);
  }

  /** float32 `[N, F]` */
  features(photos: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => this.#execute({ [PHOTOS]: photos }, this.#network.features));
  }

  #execute(inputs: tf.NamedTensorMap, output: Node): tf.Tensor2D {
    const [result] = [this.#model.execute(inputs, output)].flat();
    if (!result) throw new Error(`The graph has no output ${output}.`);
    return tf.reshape<tf.Rank.R2>(result, [result.shape[0] ?? 0, -1]);
  }

  /** Writes the network with its current weights; `copy` writes other nodes of it. */
  write(graph: Graph, photos: Node): ExportedNetwork & { readonly copy: (node: Node) => Node } {
    const { weights } = this.#model;
    const written = new Map([[PHOTOS, photos]]);
    const copy = copyNodes(this.#nodes, graph, written, ({ name }) => {
      const [value] = weights[name] ?? [];
      if (value?.dtype !== 'float32' || value.rank === 0) return undefined;
      return graph.weights(name, Float32Array.from(value.dataSync()), value.shape);
    });
    const features = copy(this.#network.features);
    return { features, logits: copy(this.#network.logits), copy };
  }

  /** The last feature map; its means are the features. */
  get map(): Node {
    return this.#nodes.get(this.#network.features)?.input[0] ?? PHOTOS;
  }

  /** Height, width and channels of the last feature map, for photos with a given side. */
  mapShape(side: number): readonly [height: number, width: number, channels: number] {
    const shape = tf.tidy(() => {
      const [map] = [this.#model.execute({ [PHOTOS]: tf.zeros([1, side, side, 3]) }, this.map)].flat();
      return map?.shape ?? [];
    });
    return [shape[1] ?? 1, shape[2] ?? 1, shape[3] ?? 1];
  }

  dispose(): void {
    this.#model.dispose();
  }
}
