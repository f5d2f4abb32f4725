import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';

/**
 * The gradients of convolutions, which TensorFlow.js's WASM backend lacks, composed of operations that it has.
 * Everything is NHWC with dilation 1, as TensorFlow.js requires for gradients.
 */

const strides = z.union([
  z.tuple([z.int(), z.int()]),
  z.int().transform((side): [number, number] => [side, side]),
]);
const shape4 = z.tuple([z.int(), z.int(), z.int(), z.int()]);
const padding = z.enum(['same', 'valid']);
const filterAttributes = z.object({ strides, pad: padding, filterShape: shape4 });
const inputAttributes = z.object({ strides, pad: padding, inputShape: shape4 });

const tensor4 = (info: tf.TensorInfo | undefined): tf.Tensor4D => {
  if (!info) throw new Error('A gradient kernel was called without one of its inputs.');
  const tensor = info instanceof tf.Tensor ? info : tf.engine().makeTensorFromTensorInfo(info);
  return tf.reshape<tf.Rank.R4>(tensor, shape4.parse(tensor.shape));
};

/** `x` padded and cropped to exactly what the filter touches. */
const touched = (x: tf.Tensor4D, { padInfo, ...info }: tf.backend_util.Conv2DInfo): tf.Tensor4D => {
  const padded = tf.pad(x, [
    [0, 0],
    [padInfo.top, padInfo.bottom],
    [padInfo.left, padInfo.right],
    [0, 0],
  ]);
  const height = (info.outHeight - 1) * info.strideHeight + info.filterHeight;
  const width = (info.outWidth - 1) * info.strideWidth + info.filterWidth;
  return tf.slice(padded, [0, 0, 0, 0], [info.batchSize, height, width, info.inChannels]);
};

type Gradient<Attributes> = (a: tf.Tensor4D, b: tf.Tensor4D, attributes: Attributes) => tf.Tensor;

/**
 * d filter: a convolution of the input with the output's gradient, where the batch takes the channels' place and the
 * strides become dilations.
 */
const convolutionFilterGradient: Gradient<z.infer<typeof filterAttributes>> = (x, dy, attributes) => {
  const { strides, pad, filterShape } = attributes;
  const info = tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad);
  const image = tf.transpose(touched(x, info), [3, 1, 2, 0]);
  const filter = tf.transpose(dy, [1, 2, 0, 3]);
  return tf.transpose(tf.conv2d(image, filter, 1, 'valid', 'NHWC', strides), [1, 2, 0, 3]);
};

/** d filter of a depthwise convolution: for each of its cells, the products with the gradient, summed. */
const depthwiseFilterGradient: Gradient<z.infer<typeof filterAttributes>> = (x, dy, attributes) => {
  const { strides, pad, filterShape } = attributes;
  const info = tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad, undefined, true);
  const image = touched(x, info);
  const [batch, height, width, channels] = dy.shape;
  const cells = Array.from({ length: info.filterHeight * info.filterWidth }, (_, cell) => {
    const [row, column] = [Math.floor(cell / info.filterWidth), cell % info.filterWidth];
    const end = [batch, row + (height - 1) * strides[0] + 1, column + (width - 1) * strides[1] + 1, channels];
    const seen = tf.stridedSlice(image, [0, row, column, 0], end, [1, ...strides, 1]);
    return tf.sum(tf.mul(seen, dy), [0, 1, 2]);
  });
  return tf.reshape(tf.stack(cells), filterShape);
};

/** The gradient with zeros between its pixels, and around it, so that the mirrored filter passes over every input. */
const spread = (dy: tf.Tensor4D, { padInfo, ...info }: tf.backend_util.Conv2DInfo): tf.Tensor4D => {
  const [batch, height, width, channels] = dy.shape;
  const [sh, sw] = [info.strideHeight, info.strideWidth];
  const pixels = tf.reshape(dy, [batch * height, 1, width, 1, channels]);
  const dilated = tf.pad(pixels, [
    [0, 0],
    [0, sh - 1],
    [0, 0],
    [0, sw - 1],
    [0, 0],
  ]);
  const grid = tf.reshape<tf.Rank.R4>(dilated, [batch, height * sh, width * sw, channels]);
  const [dilatedHeight, dilatedWidth] = [(height - 1) * sh + 1, (width - 1) * sw + 1];
  const [top, left] = [info.filterHeight - 1 - padInfo.top, info.filterWidth - 1 - padInfo.left];
  return tf.pad(tf.slice(grid, [0, 0, 0, 0], [batch, dilatedHeight, dilatedWidth, channels]), [
    [0, 0],
    [top, info.inHeight + info.filterHeight - 1 - top - dilatedHeight],
    [left, info.inWidth + info.filterWidth - 1 - left - dilatedWidth],
    [0, 0],
  ]);
};

/** d input: the spread gradient convolved with the mirrored filter, whose channels change places. */
const convolutionInputGradient: Gradient<z.infer<typeof inputAttributes>> = (dy, filter, attributes) => {
  const { strides, pad, inputShape } = attributes;
  const info = tf.backend_util.computeConv2DInfo(inputShape, filter.shape, strides, 1, pad);
  const mirrored = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]);
  return tf.conv2d(spread(dy, info), mirrored, 1, 'valid');
};

/** d input of a depthwise convolution: the spread gradient convolved with the mirrored filter. */
const depthwiseInputGradient: Gradient<z.infer<typeof inputAttributes>> = (dy, filter, attributes) => {
  const { strides, pad, inputShape } = attributes;
  const info = tf.backend_util.computeConv2DInfo(inputShape, filter.shape, strides, 1, pad, undefined, true);
  return tf.depthwiseConv2d(spread(dy, info), tf.reverse(filter, [0, 1]), 1, 'valid');
};

const register = (
  kernelName: string,
  compute: (inputs: tf.NamedTensorInfoMap, attrs: unknown) => tf.Tensor,
) => {
  if (tf.getKernel(kernelName, 'wasm')) tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel({
    kernelName,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) => tf.tidy(() => compute(inputs, attrs)),
  });
};

/**
 * Registers the kernels for training convolutional networks that the WASM backend lacks. It does have
 * Conv2DBackpropInput, but as plain loops that take most of a training step; ours is an XNNPACK convolution.
 */
export const registerTrainingKernels = (): void => {
  register(tf.Conv2DBackpropFilter, ({ x, dy }, attrs) =>
    convolutionFilterGradient(tensor4(x), tensor4(dy), filterAttributes.parse(attrs)),
  );
  register(tf.Conv2DBackpropInput, ({ dy, filter }, attrs) =>
    convolutionInputGradient(tensor4(dy), tensor4(filter), inputAttributes.parse(attrs)),
  );
  register(tf.DepthwiseConv2dNativeBackpropFilter, ({ x, dy }, attrs) =>
    depthwiseFilterGradient(tensor4(x), tensor4(dy), filterAttributes.parse(attrs)),
  );
  register(tf.DepthwiseConv2dNativeBackpropInput, ({ dy, filter }, attrs) =>
    depthwiseInputGradient(tensor4(dy), tensor4(filter), inputAttributes.parse(attrs)),
  );
};
