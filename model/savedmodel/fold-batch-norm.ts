import type { LayersModel } from '@tensorflow/tfjs-layers';
import { BatchNorm } from '../training/batch-norm.ts';
import { ExportError } from './errors.ts';
import type { Weight } from './layer-exporter.ts';

type Layer = LayersModel['layers'][number];

/** What folding leaves: convolutions with other weights, and normalizations that have nothing left to do. */
export interface Folded {
  /** Kernel and bias of each convolution that took over a normalization. */
  readonly convolutions: ReadonlyMap<Layer, readonly [kernel: Weight, bias: Weight]>;
  readonly normalizations: ReadonlySet<Layer>;
}

const CONVOLUTIONS = new Set(['Conv2D', 'DepthwiseConv2D']);

/** The layer's weights, copied out of TensorFlow.js. */
export const readWeights = (layer: Layer): Weight[] =>
  layer.getWeights().map((tensor) => ({ values: Float32Array.from(tensor.dataSync()), shape: tensor.shape }));

/** With fixed moments a normalization is a scale and an offset per channel. */
const scaleAndOffset = (layer: BatchNorm) => {
  const [gamma, beta, mean, variance] = readWeights(layer).map(({ values }) => values);
  if (!gamma || !beta || !mean || !variance)
    throw new ExportError(layer.name, 'its four weights are missing.');
  const scale = gamma.map((value, channel) => value / Math.sqrt((variance[channel] ?? 0) + layer.epsilon));
  const offset = beta.map((value, channel) => value - (mean[channel] ?? 0) * (scale[channel] ?? 0));
  return { scale, offset };
};

/** The convolution right before `layer`, when nothing else sees its output. */
const foldableProducer = (layer: Layer): Layer | undefined => {
  const producer = layer.inboundNodes[0]?.inputTensors[0]?.sourceLayer;
  if (!producer || !CONVOLUTIONS.has(producer.getClassName())) return undefined;
  const config = producer.getConfig();
  const plain = config['activation'] === 'linear' && config['useBias'] === false;
  return plain && producer.outboundNodes.length === 1 ? producer : undefined;
};

/**
 * Folds each batch normalization into the convolution before it: the channels are the kernel's last dimensions, so
 * scaling the kernel and adding a bias computes the same with two operations less.
 *
 * @throws ExportError for a normalization that does not directly follow a convolution without bias and activation
 */
export const foldBatchNorm = (model: LayersModel): Folded => {
  const convolutions = new Map<Layer, readonly [Weight, Weight]>();
  const normalizations = new Set<Layer>();
  for (const layer of model.layers) {
    if (!(layer instanceof BatchNorm)) continue;
    const producer = foldableProducer(layer);
    const [kernel] = producer ? readWeights(producer) : [];
    if (!producer || !kernel) {
      throw new ExportError(
        layer.name,
        'put BatchNorm right after a convolution without bias and activation.',
      );
    }
    const { scale, offset } = scaleAndOffset(layer);
    const values = kernel.values.map((value, index) => value * (scale[index % scale.length] ?? 0));
    convolutions.set(producer, [
      { values, shape: kernel.shape },
      { values: offset, shape: [offset.length] },
    ]);
    normalizations.add(layer);
  }
  return { convolutions, normalizations };
};
