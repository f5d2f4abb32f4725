import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import { z } from 'zod';
import { BatchNorm } from '../network/layers.ts';
import { ExportError, type Graph, type Node } from './graph.ts';
import { layerExporters, readSettings, type Weight } from './layer-exporters.ts';

type Layer = LayersModel['layers'][number];

/** The result of folding: convolutions with new weights, and normalizations that became redundant. */
interface Folded {
  /** Kernel and bias of each convolution that absorbed a normalization. */
  readonly convolutions: ReadonlyMap<Layer, readonly [kernel: Weight, bias: Weight]>;
  readonly normalizations: ReadonlySet<Layer>;
}

const CONVOLUTIONS = new Set(['Conv2D', 'DepthwiseConv2D']);

/** The layer's weights, copied from TensorFlow.js. */
const readWeights = (layer: Layer): Weight[] =>
  layer.getWeights().map((tensor) => ({ values: Float32Array.from(tensor.dataSync()), shape: tensor.shape }));

/** TensorFlow.js's own class, which pretrained networks use. */
const STOCK = 'BatchNormalization';
const stockSettings = z.object({
  epsilon: z.number(),
  scale: z.boolean(),
  center: z.boolean(),
  axis: z.literal([-1, 3], 'only the last dimension can be normalized'),
});

const isNormalization = (layer: Layer): boolean =>
  layer instanceof BatchNorm || layer.getClassName() === STOCK;

const settingsOf = (layer: Layer): z.infer<typeof stockSettings> =>
  layer instanceof BatchNorm
    ? { epsilon: layer.epsilon, scale: true, center: true, axis: -1 }
    : readSettings(layer.name, stockSettings, layer.getConfig());

/** With fixed moments, a normalization is a scale and an offset per channel. */
const scaleAndOffset = (layer: Layer) => {
  const settings = settingsOf(layer);
  const weights = readWeights(layer).map(({ values }) => values);
  const gamma = settings.scale ? weights.shift() : undefined;
  const beta = settings.center ? weights.shift() : undefined;
  const [mean, variance] = weights;
  if (!mean || !variance) throw new ExportError(layer.name, 'its moments are missing.');
  const scale = variance.map(
    (value, channel) => (gamma?.[channel] ?? 1) / Math.sqrt(value + settings.epsilon),
  );
  const offset = mean.map((value, channel) => (beta?.[channel] ?? 0) - value * (scale[channel] ?? 0));
  return { scale, offset };
};

/** The convolution without activation right before `layer`, if nothing else uses its output. */
const foldableProducer = (layer: Layer): Layer | undefined => {
  const producer = layer.inboundNodes[0]?.inputTensors[0]?.sourceLayer;
  if (!producer || !CONVOLUTIONS.has(producer.getClassName())) return undefined;
  const { activation } = producer.getConfig();
  return activation === 'linear' && producer.outboundNodes.length === 1 ? producer : undefined;
};

/**
 * Folds each batch normalization into the convolution right before it, if there is one. The channels are the kernel's
 * last dimension, so a scaled kernel and a bias compute the same with two fewer operations.
 */
const foldBatchNorm = (model: LayersModel): Folded => {
  const convolutions = new Map<Layer, readonly [Weight, Weight]>();
  const normalizations = new Set<Layer>();
  for (const layer of model.layers) {
    if (!isNormalization(layer)) continue;
    const producer = foldableProducer(layer);
    const [kernel, bias] = producer ? readWeights(producer) : [];
    if (!producer || !kernel) continue;
    const { scale, offset: shift } = scaleAndOffset(layer);
    const offset = shift.map(
      (value, channel) => value + (bias?.values[channel] ?? 0) * (scale[channel] ?? 0),
    );
    const values = kernel.values.map((value, index) => value * (scale[index % scale.length] ?? 0));
    convolutions.set(producer, [
      { values, shape: kernel.shape },
      { values: offset, shape: [offset.length] },
    ]);
    normalizations.add(layer);
  }
  return { convolutions, normalizations };
};

/** The contribution of each cell of the last feature map to the logits: float32 `[N, height, width, classes]`. */
export interface LogitMap {
  readonly node: Node;
  readonly height: number;
  readonly width: number;
}

/** A classifier's nodes in a graph. */
export interface ExportedNetwork {
  /** float32 `[N, F]`: the features that distinguish photos of the classes from others. */
  readonly features: Node;
  /** float32 `[N, classes]` */
  readonly logits: Node;
  /** Absent if the logits are not a sum over the cells of a map. */
  readonly map?: LogitMap;
}

/** The only use of a layer; shared layers are not supported. */
const onlyCall = (layer: Layer) => {
  const [call, again] = layer.inboundNodes;
  const [output, ...moreOutputs] = call?.outputTensors ?? [];
  if (!call || !output || again || moreOutputs.length > 0) {
    throw new ExportError(layer.name, 'it must be used exactly once and have exactly one output.');
  }
  return { inputs: call.inputTensors, output, inputRank: call.inputTensors[0]?.rank ?? 0 };
};

/** A normalization that no convolution could absorb. */
const writeNormalization = (graph: Graph, layer: Layer, x: Node): Node => {
  const { scale, offset } = scaleAndOffset(layer);
  return graph.scaleAndShift(layer.name, x, scale, offset);
};

const exportLayer = (
  graph: Graph,
  layer: Layer,
  [first, ...others]: readonly Node[],
  inputRank: number,
  folded: Folded,
): Node => {
  if (first === undefined) throw new ExportError(layer.name, 'it has no input.');
  if (folded.normalizations.has(layer)) return first;
  if (isNormalization(layer)) return writeNormalization(graph, layer, first);
  const kind = layer.getClassName();
  const exporter = layerExporters.get(kind);
  if (!exporter) {
    const known = [...layerExporters.keys()].join(', ');
    throw new ExportError(layer.name, `its class ${kind} is not supported; build the network of ${known}.`);
  }
  const own = folded.convolutions.get(layer);
  const weights = own ?? readWeights(layer);
  return exporter(
    { graph, name: layer.name, inputs: [first, ...others], inputRank, weights },
    { ...layer.getConfig(), ...(own && { useBias: true }) },
  );
};

/**
 * Writes a layers model into a graph, layer by layer.
 *
 * @param x the node that feeds the model's one input
 * @returns the nodes of the logits, the model's only output, and of the features from which its last layer computes
 * them
 * @throws ExportError for a layer, or a setting of one, without an exact counterpart
 */
export const exportLayers = (graph: Graph, model: LayersModel, x: Node): ExportedNetwork => {
  const folded = foldBatchNorm(model);
  const [input, ...moreInputs] = model.inputs;
  if (!input || moreInputs.length > 0 || model.outputs.length !== 1) {
    throw new ExportError(model.name, 'the model must have exactly one input and one output.');
  }
  // Sequential models do not list their input layer.
  const nodes = new Map<number, Node>([[input.id, x]]);
  const nodeOf = (tensor: SymbolicTensor | undefined): Node => {
    const node = tensor && nodes.get(tensor.id);
    if (node === undefined)
      throw new ExportError(model.name, `nothing computes ${tensor?.name ?? 'its output'}.`);
    return node;
  };
  for (const layer of model.layers) {
    const { inputs, output, inputRank } = onlyCall(layer);
    const sources = layer.getClassName() === 'InputLayer' ? [x] : inputs.map(nodeOf);
    nodes.set(output.id, exportLayer(graph, layer, sources, inputRank, folded));
  }
  const last = model.layers.at(-1);
  return { logits: nodeOf(model.outputs[0]), features: nodeOf(last && onlyCall(last).inputs[0]) };
};

/** Adapts a layers model for `buildServingGraph`. */
export const layersNetwork =
  (model: LayersModel) =>
  (graph: Graph, photos: Node): ExportedNetwork =>
    exportLayers(graph, model, photos);
