import type { LayersModel } from '@tensorflow/tfjs-layers';
import { z } from 'zod';
import { BatchNorm } from '../network/layers.ts';
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

/** TensorFlow.js's own class, which pretrained networks come with. */
const STOCK = 'BatchNormalization';
const stockSettings = z.object({
  epsilon: z.number(),
  scale: z.boolean(),
  center: z.boolean(),
  axis: z.literal([-1, 3], 'only the last dimension can be normalized'),
});

const isNormalization = (layer: Layer): boolean =>
  layer instanceof BatchNorm || layer.getClassName() === STOCK;

const settingsOf = (layer: Layer): z.infer<typeof stockSettings> => {
  if (layer instanceof BatchNorm) return { epsilon: layer.epsilon, scale: true, center: true, axis: -1 };
  const settings = stockSettings.safeParse(layer.getConfig());
  if (settings.success) return settings.data;
  const problems = settings.error.issues
    .map(({ path, message }) => `${path.join('.')}: ${message}`)
    .join('; ');
  throw new ExportError(layer.name, `a setting of it is not supported (${problems}).`);
};

/** With fixed moments a normalization is a scale and an offset per channel. */
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
    if (!isNormalization(layer)) continue;
    const producer = foldableProducer(layer);
    const [kernel] = producer ? readWeights(producer) : [];
    if (!producer || !kernel) {
      throw new ExportError(
        layer.name,
        'put batch normalization right after a convolution without bias and activation.',
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
