import { z } from 'zod';

/**
 * Converts the layers models of Keras 2, Keras 3 and TensorFlow.js to one flat format: nested networks are unfolded,
 * and Keras 3's names are replaced by those of Keras 2, which TensorFlow.js reads.
 */

const networkSchema = z.looseObject({
  class_name: z.string(),
  config: z.union([
    // Old versions of Keras store the layers of a Sequential without a wrapper.
    z.array(z.unknown()).transform((layers) => ({ layers, input_layers: [], output_layers: [] })),
    z.looseObject({
      layers: z.array(z.unknown()),
      input_layers: z.unknown().optional(),
      output_layers: z.unknown().optional(),
    }),
  ]),
});
const layerSchema = z.looseObject({
  class_name: z.string(),
  name: z.string().optional(),
  config: z.union([
    z.looseObject({ name: z.string().optional() }),
    z.array(z.unknown()).transform(() => ({ name: undefined })),
  ]),
  inbound_nodes: z.array(z.unknown()).default([]),
});
/** A symbolic tensor: a name and two indices in Keras 2, and the same as `keras_history` in Keras 3. */
const reference = z.tuple([z.string(), z.int(), z.int()], z.unknown());
const tensorSchema = z.looseObject({
  class_name: z.literal('__keras_tensor__'),
  config: z.looseObject({ keras_history: reference }),
});

export interface KerasLayer {
  readonly className: string;
  readonly config: Readonly<Record<string, unknown>> & { readonly name: string };
  /** Names of its input layers. */
  readonly inputs: readonly string[];
}

/** Layers in topological order, as in their files. */
export interface KerasNetwork {
  readonly layers: readonly KerasLayer[];
  readonly output: string;
}

/** Names of the layers that some JSON refers to. */
const references = (json: unknown): string[] => {
  const own = reference.safeParse(json);
  if (own.success) return [own.data[0]];
  const tensor = tensorSchema.safeParse(json);
  if (tensor.success) return [tensor.data.config.keras_history[0]];
  return json !== null && typeof json === 'object' ? Object.values(json).flatMap(references) : [];
};

const NETWORKS = new Set(['Model', 'Functional', 'Sequential']);

const policySchema = z
  .looseObject({ config: z.looseObject({ name: z.string() }) })
  .transform(({ config }) => config.name);
const axisSchema = z.tuple([z.int()]).transform(([axis]) => axis);

/** Translates Keras 3's names, and lists written by converters, for TensorFlow.js. */
const plainConfig = (config: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const {
    batch_shape,
    batchInputShape = batch_shape,
    batch_input_shape = batchInputShape,
    ...others
  } = config;
  const axis = axisSchema.safeParse(others['axis']);
  const policy = policySchema.safeParse(others['dtype']);
  return {
    ...others,
    ...(batch_input_shape !== undefined && { batch_input_shape }),
    ...(axis.success && { axis: axis.data }),
    ...(policy.success && { dtype: policy.data.replace('mixed_float16', 'float32') }),
  };
};

/** @param feeds the input layers of a nested network; none for the outermost */
const unfold = (json: unknown, feeds: readonly string[]): KerasNetwork => {
  const { class_name, config: network } = networkSchema.parse(json);
  const isSequential = class_name === 'Sequential';
  const layers: KerasLayer[] = [];
  /** Replaces the inputs of a nested network by what feeds it, and nested networks by their last layer. */
  const meaning = new Map(
    references([network.input_layers]).flatMap((name, index) => {
      const feed = feeds[index];
      return feed === undefined ? [] : [[name, feed] as const];
    }),
  );
  const resolve = (json: unknown) => references([json]).map((name) => meaning.get(name) ?? name);
  let [last] = feeds;
  for (const item of network.layers) {
    const {
      class_name: className,
      config,
      name = config.name ?? className,
      inbound_nodes,
    } = layerSchema.parse(item);
    if (className === 'InputLayer' && feeds.length > 0) continue;
    if (inbound_nodes.length > 1)
      throw new Error(`the layer ${name} is used in ${inbound_nodes.length} places`);
    let inputs = isSequential ? [last ?? []].flat() : resolve(inbound_nodes);
    if (NETWORKS.has(className)) {
      const inner = unfold(item, inputs);
      layers.push(...inner.layers);
      meaning.set(name, inner.output);
      last = inner.output;
      continue;
    }
    const plain = plainConfig(config);
    if (inputs.length === 0 && className !== 'InputLayer') {
      const { batch_input_shape } = plain;
      const input = `${name}_input`;
      layers.push({ className: 'InputLayer', config: { name: input, batch_input_shape }, inputs: [] });
      inputs = [input];
    }
    layers.push({ className, config: { ...plain, name }, inputs });
    last = name;
  }
  const output = isSequential ? last : (resolve(network.output_layers)[0] ?? last);
  if (output === undefined) throw new Error('it has no layers');
  return { layers, output };
};

const rootSchema = z.union([
  z.looseObject({ model_config: networkSchema }).transform(({ model_config }) => model_config),
  networkSchema,
]);

/**
 * @param topology `modelTopology` of a layers model
 * @throws Error that says what is not supported
 */
export const readKerasNetwork = (topology: unknown): KerasNetwork => unfold(rootSchema.parse(topology), []);

/** The layers that `output` depends on, as a topology for TensorFlow.js. */
export const kerasTopology = ({ layers, output }: KerasNetwork) => {
  const input = layers.find(({ className }) => className === 'InputLayer')?.config.name;
  return {
    class_name: 'Model',
    config: {
      name: 'backbone',
      layers: layers.map(({ className, config, inputs }) => ({
        class_name: className,
        ...{ name: config.name, config },
        inbound_nodes: inputs.length === 0 ? [] : [inputs.map((name) => [name, 0, 0, {}])],
      })),
      input_layers: [[input, 0, 0]],
      output_layers: [[output, 0, 0]],
    },
  };
};

/** The layers that one depends on, including itself, in order. */
export const upTo = ({ layers }: KerasNetwork, output: string): KerasNetwork => {
  const needed = new Set([output]);
  for (const { config, inputs } of layers.toReversed()) {
    if (needed.has(config.name)) for (const name of inputs) needed.add(name);
  }
  return { layers: layers.filter(({ config }) => needed.has(config.name)), output };
};
