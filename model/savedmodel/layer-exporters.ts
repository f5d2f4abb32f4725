import { z } from 'zod';
import { attribute, DataType, ExportError, type Graph, type Node } from './graph.ts';

/** A layer's weight, read from TensorFlow.js. */
export interface Weight {
  readonly values: Float32Array;
  readonly shape: readonly number[];
}

interface LayerCall {
  readonly graph: Graph;
  /** The layer's name, which becomes that of its nodes. */
  readonly name: string;
  readonly inputs: readonly [Node, ...Node[]];
  /** Rank of the first input, including the batch. */
  readonly inputRank: number;
  /** In the order of the layer's `getWeights()`. */
  readonly weights: readonly Weight[];
}

/** Writes a layer, and returns its output node. */
type LayerExporter = (call: LayerCall, config: unknown) => Node;

/** @throws ExportError that names the layer and the setting */
export const readSettings = <Settings>(
  layer: string,
  schema: z.ZodType<Settings>,
  config: unknown,
): Settings => {
  const settings = schema.safeParse(config);
  if (settings.success) return settings.data;
  const problems = settings.error.issues
    .map(({ path, message }) => `${path.join('.')}: ${message}`)
    .join('; ');
  throw new ExportError(layer, `a setting of it is not supported (${problems}).`);
};

/** An exporter for exactly the settings of its schema. Others are refused rather than exported wrongly. */
const layerExporter =
  <Settings>(
    schema: z.ZodType<Settings>,
    write: (call: LayerCall, settings: Settings) => Node,
  ): LayerExporter =>
  (call, config) =>
    write(call, readSettings(call.name, schema, config));

/** @throws ExportError if the layer has fewer weights */
const weightAt = ({ name, weights }: LayerCall, index: number): Weight => {
  const weight = weights[index];
  if (weight !== undefined) return weight;
  throw new ExportError(name, `it has ${weights.length} weights, but weight ${index} is needed.`);
};

const pair = z.tuple([z.int().positive(), z.int().positive()]);
const padding = z.enum(['same', 'valid']);
const dataFormat = z.literal(['channelsLast', null]).optional();
const activation = z.enum(['linear', 'relu', 'relu6', 'softmax', 'sigmoid']);

const anything = z.object({});
const convolutionSettings = z.object({
  strides: pair,
  padding,
  dilationRate: pair,
  dataFormat,
  activation,
  useBias: z.boolean(),
});
/** TensorFlow's kernel uses one stride for both directions, and ignores dilations (depthwise_conv_op.cc). */
const depthwiseSettings = convolutionSettings.extend({
  strides: pair.refine(([height, width]) => height === width, 'both must be equal'),
  dilationRate: z.tuple([z.literal(1), z.literal(1)]),
});
const poolingSettings = z.object({ poolSize: pair, strides: pair, padding, dataFormat });
const paddingSettings = z.object({
  padding: z.tuple([z.tuple([z.int(), z.int()]), z.tuple([z.int(), z.int()])]),
  dataFormat,
});
const reluSettings = z.object({ maxValue: z.literal([6, null]).optional() });
const denseSettings = z.object({ activation, useBias: z.boolean() });

const NHWC = attribute.text('NHWC');
const spatial = ([height, width]: readonly [number, number]) => attribute.integers([1, height, width, 1]);
const OPS = { relu: 'Relu', relu6: 'Relu6', softmax: 'Softmax', sigmoid: 'Sigmoid' } as const;

const activate = (graph: Graph, name: string, x: Node, activation: keyof typeof OPS | 'linear'): Node =>
  activation === 'linear' ? x : graph.float(OPS[activation], `${name}/${activation}`, [x]);

/** Adds the layer's second weight to its channels. */
const addBias = (call: LayerCall, x: Node): Node => {
  const { values, shape } = weightAt(call, 1);
  const bias = call.graph.weights(`${call.name}/bias`, values, shape);
  return call.graph.float('BiasAdd', `${call.name}/bias_add`, [x, bias], { data_format: NHWC });
};

const convolution = (
  op: 'Conv2D' | 'DepthwiseConv2dNative',
  settings: z.ZodType<z.infer<typeof convolutionSettings>>,
): LayerExporter =>
  layerExporter(settings, (call, { strides, dilationRate, padding, useBias, activation }) => {
    const { graph, name, inputs } = call;
    const { values, shape } = weightAt(call, 0);
    const x = graph.float(op, name, [inputs[0], graph.weights(`${name}/kernel`, values, shape)], {
      strides: spatial(strides),
      dilations: spatial(dilationRate),
      padding: attribute.text(padding.toUpperCase()),
      data_format: NHWC,
    });
    return activate(graph, name, useBias ? addBias(call, x) : x, activation);
  });

const pooling = (op: 'AvgPool' | 'MaxPool'): LayerExporter =>
  layerExporter(poolingSettings, ({ graph, name, inputs }, { poolSize, strides, padding }) =>
    graph.float(op, name, [inputs[0]], {
      ksize: spatial(poolSize),
      strides: spatial(strides),
      padding: attribute.text(padding.toUpperCase()),
      data_format: NHWC,
    }),
  );

const dense = layerExporter(denseSettings, (call, { useBias, activation }) => {
  const { graph, name, inputs, inputRank } = call;
  // TensorFlow.js multiplies along the last of any number of dimensions; MatMul only supports two.
  if (inputRank !== 2)
    throw new ExportError(name, `its input has ${inputRank} dimensions; flatten or pool it first.`);
  const { values, shape } = weightAt(call, 0);
  const x = graph.float('MatMul', name, [inputs[0], graph.weights(`${name}/kernel`, values, shape)], {
    transpose_a: attribute.boolean(false),
    transpose_b: attribute.boolean(false),
  });
  return activate(graph, name, useBias ? addBias(call, x) : x, activation);
});

const add = layerExporter(anything, ({ graph, name, inputs: [first, ...others] }) =>
  others.reduce(
    (sum, x, index) => graph.float('AddV2', index === 0 ? name : `${name}/${index}`, [sum, x]),
    first,
  ),
);

/** Zeros around the photo. */
const zeroPadding = layerExporter(paddingSettings, ({ graph, name, inputs }, { padding }) => {
  const borders = [[0, 0], ...padding, [0, 0]];
  return graph.float('Pad', name, [inputs[0], graph.integers(`${name}/paddings`, borders.flat(), [4, 2])], {
    Tpaddings: attribute.type(DataType.int32),
  });
});

const concatenation = layerExporter(z.object({ axis: z.int() }), (call, { axis }) => {
  const { graph, name, inputs, inputRank } = call;
  const last = graph.integers(`${name}/axis`, [(axis + inputRank) % inputRank], []);
  return graph.float('ConcatV2', name, [...inputs, last], {
    N: attribute.integer(inputs.length),
    Tidx: attribute.type(DataType.int32),
  });
});

/** Layers that only matter during training pass their input on. */
const identity = layerExporter(anything, ({ inputs }) => inputs[0]);

/** Exporters by layer class. Other classes cannot be exported. */
export const layerExporters: ReadonlyMap<string, LayerExporter> = new Map(
  Object.entries({
    InputLayer: identity,
    Conv2D: convolution('Conv2D', convolutionSettings),
    DepthwiseConv2D: convolution('DepthwiseConv2dNative', depthwiseSettings),
    Activation: layerExporter(z.object({ activation }), ({ graph, name, inputs }, settings) =>
      activate(graph, name, inputs[0], settings.activation),
    ),
    Add: add,
    Concatenate: concatenation,
    Dropout: identity,
    ReLU: layerExporter(reluSettings, ({ graph, name, inputs }, { maxValue }) =>
      activate(graph, name, inputs[0], maxValue === 6 ? 'relu6' : 'relu'),
    ),
    SeededDropout: identity,
    ZeroPadding2D: zeroPadding,
    AveragePooling2D: pooling('AvgPool'),
    MaxPooling2D: pooling('MaxPool'),
    GlobalAveragePooling2D: layerExporter(z.object({ dataFormat }), ({ graph, name, inputs }) =>
      graph.mean(name, inputs[0], [1, 2]),
    ),
    Dense: dense,
  }),
);
