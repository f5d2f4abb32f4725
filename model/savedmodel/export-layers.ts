import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import { ExportError } from './errors.ts';
import { type Folded, foldBatchNorm, readWeights } from './fold-batch-norm.ts';
import type { Graph, Node } from './graph.ts';
import { layerExporters } from './layer-exporters.ts';

type Layer = LayersModel['layers'][number];

/** A classifier as nodes of a graph. */
export interface ExportedNetwork {
  /** float32 `[N, F]`: all that the classifying last layer sees of a photo. */
  readonly features: Node;
  /** float32 `[N, classes]` */
  readonly logits: Node;
}

/** The one place where the layer is used; layers shared between places are not supported. */
const onlyCall = (layer: Layer) => {
  const [call, again] = layer.inboundNodes;
  const [output, ...moreOutputs] = call?.outputTensors ?? [];
  if (!call || !output || again || moreOutputs.length > 0) {
    throw new ExportError(layer.name, 'it must be used exactly once and have exactly one output.');
  }
  return { inputs: call.inputTensors, output, inputRank: call.inputTensors[0]?.rank ?? 0 };
};

const exportLayer = (
  graph: Graph,
  layer: Layer,
  { inputs, inputRank }: { readonly inputs: readonly Node[]; readonly inputRank: number },
  folded: Folded,
): Node => {
  const [first, ...others] = inputs;
  if (first === undefined) throw new ExportError(layer.name, 'it has no input.');
  if (folded.normalizations.has(layer)) return first;
  const kind = layer.getClassName();
  const exporter = layerExporters.get(kind);
  if (!exporter) {
    const known = [...layerExporters.keys()].join(', ');
    throw new ExportError(layer.name, `its class ${kind} is not supported; build the network of ${known}.`);
  }
  const weights = folded.convolutions.get(layer);
  const config = { ...layer.getConfig(), ...(weights && { useBias: true }) };
  return exporter(
    {
      graph,
      name: layer.name,
      inputs: [first, ...others],
      inputRank,
      weights: weights ?? readWeights(layer),
    },
    config,
  );
};

/**
 * Writes a layers model into a graph, layer by layer.
 *
 * @param x the node that feeds the model's one input
 * @returns the nodes of the model's one output, its logits, and of the features that its last layer computes them from
 * @throws ExportError for a layer, or a setting of one, that has no exact counterpart here
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
    nodes.set(output.id, exportLayer(graph, layer, { inputs: sources, inputRank }, folded));
  }
  const last = model.layers.at(-1);
  return { logits: nodeOf(model.outputs[0]), features: nodeOf(last && onlyCall(last).inputs[0]) };
};

/** A layers model as `buildServingGraph` wants it. */
export const layersNetwork =
  (model: LayersModel) =>
  (graph: Graph, photos: Node): ExportedNetwork =>
    exportLayers(graph, model, photos);
