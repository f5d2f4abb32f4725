import {
  initializers,
  input,
  type LayersModel,
  layers,
  model,
  type SymbolicTensor,
} from '@tensorflow/tfjs-layers';
import { PHOTO_CHANNELS, PHOTO_SIDE } from '../contract/tensors.ts';
import { applied, BatchNorm, SeededDropout } from './layers.ts';

interface NetworkOptions {
  readonly classes: number;
  /** Filters of the stem. @default 32 */
  readonly stem?: number;
  /** Filters of each residual block; a block with other filters than the one before halves the resolution. @default [48, 96, 96, 160] */
  readonly blocks?: readonly number[];
  /** Fraction of the features dropped before the classifier during training. @default 0.3 */
  readonly dropout?: number;
  /** Seed of the initial weights. @default 1 */
  readonly seed?: number | undefined;
}

/** Side of the network's input for a whole photo, in pixels. */
export const INPUT_SIZE = PHOTO_SIDE / 2;

/** The layer whose output is the only input of the classifier. */
const FEATURES_LAYER = 'features';

type Activation = 'relu' | 'linear';

/** Creates the layers of a network, each with a different seed. */
class Builder {
  #seed: number;

  constructor(seed: number) {
    this.#seed = seed * 1000;
  }

  nextSeed(): number {
    return this.#seed++;
  }

  /** Convolution, batch normalization, activation. */
  conv(x: SymbolicTensor, filters: number, kernelSize: number, strides: number, activation: Activation) {
    const convolution = layers.conv2d({
      filters,
      kernelSize,
      strides,
      padding: 'same',
      useBias: false,
      kernelInitializer: initializers.heNormal({ seed: this.nextSeed() }),
    });
    const normalized = applied(new BatchNorm({}), applied(convolution, x));
    return activation === 'linear' ? normalized : applied(layers.activation({ activation }), normalized);
  }

  /** When the resolution is halved, the shortcut is pooled, not sampled (He et al. 2019, ResNet-D). */
  shortcut(x: SymbolicTensor, filters: number, strides: number): SymbolicTensor {
    if (strides === 1) return x;
    const pooled = applied(layers.averagePooling2d({ poolSize: 2, strides: 2, padding: 'same' }), x);
    return this.conv(pooled, filters, 1, 1, 'linear');
  }

  /** Two convolutions with a shortcut (He et al. 2016). */
  block(x: SymbolicTensor, filters: number): SymbolicTensor {
    const strides = x.shape.at(-1) === filters ? 1 : 2;
    const shortcut = this.shortcut(x, filters, strides);
    const inner = this.conv(x, filters, 3, strides, 'relu');
    const residual = this.conv(inner, filters, 3, 1, 'linear');
    return applied(layers.activation({ activation: 'relu' }), applied(layers.add(), [residual, shortcut]));
  }
}

/**
 * A compact residual network, trained from scratch.
 *
 * Input float32 `[N, H, W, 3]` in [-1, 1], any H and W; the photo is halved first, so a 224-pixel photo is seen at 112
 * pixels. Output float32 `[N, classes]`, logits.
 */
export const buildNetwork = ({
  classes,
  stem = 32,
  blocks = [48, 96, 96, 160],
  dropout = 0.3,
  seed = 1,
}: NetworkOptions): LayersModel => {
  const builder = new Builder(seed);
  const photo = input({ shape: [null, null, PHOTO_CHANNELS], name: 'photo' });
  let x = applied(layers.averagePooling2d({ poolSize: 2, strides: 2, name: 'halve' }), photo);
  x = builder.conv(x, stem, 3, 2, 'relu');
  for (const filters of blocks) x = builder.block(x, filters);
  x = applied(layers.globalAveragePooling2d({ name: FEATURES_LAYER }), x);
  x = applied(new SeededDropout(dropout), x);
  const classifier = layers.dense({
    units: classes,
    name: 'logits',
    kernelInitializer: initializers.glorotUniform({ seed: builder.nextSeed() }),
  });
  return model({ inputs: photo, outputs: applied(classifier, x), name: 'compact-resnet' });
};
