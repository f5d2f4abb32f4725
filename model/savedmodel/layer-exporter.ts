import type { z } from 'zod';
import { ExportError } from './errors.ts';
import type { Graph, Node } from './graph.ts';

/** A weight of a layer, read out of TensorFlow.js. */
export interface Weight {
  readonly values: Float32Array;
  readonly shape: readonly number[];
}

/** A layer to be written into a graph. */
export interface LayerCall {
  readonly graph: Graph;
  /** The layer's name, which its nodes carry. */
  readonly name: string;
  readonly inputs: readonly [Node, ...Node[]];
  /** Dimensions of the first input, the batch included. */
  readonly inputRank: number;
  /** In the order of the layer's `getWeights()`. */
  readonly weights: readonly Weight[];
}

/** Writes one layer; returns the node of its output. */
export type LayerExporter = (call: LayerCall, config: unknown) => Node;

/**
 * An exporter that honours exactly the settings of its schema: a layer with any other value is refused, so that no
 * layer is ever exported as something it is not.
 *
 * @throws ExportError that names the layer and the setting
 */
export const layerExporter =
  <Settings>(
    schema: z.ZodType<Settings>,
    write: (call: LayerCall, settings: Settings) => Node,
  ): LayerExporter =>
  (call, config) => {
    const settings = schema.safeParse(config);
    if (settings.success) return write(call, settings.data);
    const problems = settings.error.issues
      .map(({ path, message }) => `${path.join('.')}: ${message}`)
      .join('; ');
    throw new ExportError(call.name, `a setting of it is not supported (${problems}).`);
  };

/** @throws ExportError when the layer has fewer weights */
export const weightAt = ({ name, weights }: LayerCall, index: number): Weight => {
  const weight = weights[index];
  if (weight !== undefined) return weight;
  throw new ExportError(name, `it has ${weights.length} weights, but weight ${index} is needed.`);
};
