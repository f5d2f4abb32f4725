import * as tf from '@tensorflow/tfjs-core';
import { DataType } from '../savedmodel/data-types.ts';
import { SavedModelError } from '../savedmodel/errors.ts';
import type { Call } from './call.ts';
import { broadcastStrings, decodeRaw, gatherStrings } from './string-operations.ts';
import { InvalidArgumentError, isTensor, type Value } from './values.ts';

type Operation = (call: Call) => Value;

/** What TensorFlow.js computes integers of any width and halves as. */
const NUMBER_TYPES: ReadonlyMap<number, 'float32' | 'int32'> = new Map([
  [DataType.float, 'float32'],
  [DataType.half, 'float32'],
  [DataType.int32, 'int32'],
  [DataType.int64, 'int32'],
  [DataType.uint8, 'int32'],
]);

const cast: Operation = (call) => {
  const dtype = NUMBER_TYPES.get(call.node.type('DstT'));
  if (!dtype) throw new SavedModelError(`Node ${call.node.node.name} casts to an unsupported type.`);
  return tf.cast(call.tensor(0), dtype);
};

const reshape: Operation = (call) => {
  const x = call.tensor(0);
  const shape = call.numbers(1);
  const known = shape.reduce((product, size) => (size === -1 ? product : product * size), 1);
  if (x.size % known !== 0 || (x.size !== known && !shape.includes(-1))) {
    throw new InvalidArgumentError(
      `Input to reshape is a tensor with ${x.size} values, but the requested shape requires a multiple of ${known}`,
    );
  }
  return tf.reshape(x, shape);
};

const pool =
  (kind: 'avg' | 'max'): Operation =>
  (call) =>
    tf.pool(
      call.images(0),
      call.node.spatial('ksize'),
      kind,
      call.node.padding(),
      1,
      call.node.spatial('strides'),
    );

const matMul: Operation = (call) =>
  tf.matMul(
    call.tensor(0),
    call.tensor(1),
    call.node.boolean('transpose_a'),
    call.node.boolean('transpose_b'),
  );

const mean: Operation = (call) => tf.mean(call.tensor(0), call.numbers(1), call.node.boolean('keep_dims'));

const pad: Operation = (call) => {
  const sides = call.numbers(1);
  const paddings = Array.from({ length: sides.length / 2 }, (_, dimension): [number, number] => [
    sides[2 * dimension] ?? 0,
    sides[2 * dimension + 1] ?? 0,
  ]);
  return tf.pad(call.tensor(0), paddings);
};

const resizeBilinear: Operation = (call) => {
  const { node } = call;
  const [height = 0, width = 0] = call.numbers(1);
  return tf.image.resizeBilinear(
    call.images(0),
    [height, width],
    node.boolean('align_corners'),
    node.boolean('half_pixel_centers'),
  );
};

const broadcastTo: Operation = (call) => {
  const value = call.value(0);
  return isTensor(value) ? tf.broadcastTo(value, call.numbers(1)) : broadcastStrings(value, call.numbers(1));
};

const gather: Operation = (call) => {
  const value = call.value(0);
  return isTensor(value) ? tf.gather(value, call.tensor(1)) : gatherStrings(value, call.tensor(1));
};

type Convolve = (
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  strides: [number, number],
  padding: 'same' | 'valid',
  dataFormat: 'NHWC',
  dilations: [number, number],
) => tf.Tensor;

const convolution =
  (convolve: Convolve): Operation =>
  (call) => {
    const { node } = call;
    const [strides, dilations] = [node.spatial('strides'), node.spatial('dilations')];
    return convolve(call.images(0), call.images(1), strides, node.padding(), 'NHWC', dilations);
  };

/** Every operation that an exported graph may hold, computed as TensorFlow documents it. */
export const operations: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ['Const', (call) => call.node.constant()],
  ['DecodeRaw', (call) => decodeRaw(call.strings(0))],
  ['Cast', cast],
  ['Reshape', reshape],
  ['Shape', (call) => tf.tensor1d([...call.value(0).shape], 'int32')],
  ['BroadcastTo', broadcastTo],
  ['GatherV2', gather],
  [
    'ConcatV2',
    (call) => tf.concat(call.tensors(call.node.integer('N')), call.numbers(call.node.integer('N'))[0]),
  ],
  ['ReverseV2', (call) => tf.reverse(call.tensor(0), call.numbers(1))],
  ['Mul', (call) => tf.mul(call.tensor(0), call.tensor(1))],
  ['RealDiv', (call) => tf.div(call.tensor(0), call.tensor(1))],
  ['Sub', (call) => tf.sub(call.tensor(0), call.tensor(1))],
  ['Sqrt', (call) => tf.sqrt(call.tensor(0))],
  ['Rsqrt', (call) => tf.rsqrt(call.tensor(0))],
  ['Min', (call) => tf.min(call.tensor(0), call.numbers(1), call.node.boolean('keep_dims'))],
  ['AddV2', (call) => tf.add(call.tensor(0), call.tensor(1))],
  ['BiasAdd', (call) => tf.add(call.tensor(0), call.tensor(1))],
  ['Conv2D', convolution(tf.conv2d)],
  ['DepthwiseConv2dNative', convolution(tf.depthwiseConv2d)],
  ['Pad', pad],
  ['ResizeBilinear', resizeBilinear],
  ['AvgPool', pool('avg')],
  ['MaxPool', pool('max')],
  ['Mean', mean],
  ['MatMul', matMul],
  ['Relu', (call) => tf.relu(call.tensor(0))],
  ['Relu6', (call) => tf.relu6(call.tensor(0))],
  ['Sigmoid', (call) => tf.sigmoid(call.tensor(0))],
  ['Softmax', (call) => tf.softmax(call.tensor(0))],
  ['ArgMax', (call) => tf.argMax(call.tensor(0), call.numbers(1)[0])],
]);
