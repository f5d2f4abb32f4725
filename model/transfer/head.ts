import {
  initializers,
  input,
  type LayersModel,
  layers,
  model,
  SymbolicTensor,
} from '@tensorflow/tfjs-layers';
import { SeededDropout } from './seeded-dropout.ts';

export interface HeadOptions {
  /** Neurons between features and classes; 0: none, the classes are linear in the features. @default 128 */
  readonly hidden?: number | undefined;
  /** Fraction of the features dropped while training. @default 0.3 */
  readonly featureDropout?: number | undefined;
  /** Fraction of the hidden neurons dropped while training. @default 0.5 */
  readonly dropout?: number | undefined;
  /** Seed of the initial weights and of dropout. @default 1 */
  readonly seed?: number | undefined;
}

const applied = (layer: layers.Layer, x: SymbolicTensor): SymbolicTensor => {
  const output = layer.apply(x);
  if (output instanceof SymbolicTensor) return output;
  throw new Error(`Layer ${layer.name} must have exactly one output.`);
};

/**
 * The small network that is trained on a backbone's features: float32 `[N, features]` in, logits `[N, classes]` out.
 */
export const buildHead = (
  features: number,
  classes: number,
  { hidden = 128, featureDropout = 0.3, dropout = 0.5, seed = 1 }: HeadOptions = {},
): LayersModel => {
  const seeds = Array.from({ length: 4 }, (_, index) => seed * 1000 + index);
  const [first = 0, second = 0, third = 0, fourth = 0] = seeds;
  const described = input({ shape: [features] });
  let x = applied(new SeededDropout(featureDropout, first), described);
  if (hidden > 0) {
    const neurons = layers.dense({
      units: hidden,
      activation: 'relu',
      name: 'hidden',
      kernelInitializer: initializers.heNormal({ seed: second }),
    });
    x = applied(new SeededDropout(dropout, third), applied(neurons, x));
  }
  const classifier = layers.dense({
    units: classes,
    name: 'logits',
    kernelInitializer: initializers.glorotUniform({ seed: fourth }),
  });
  return model({ inputs: described, outputs: applied(classifier, x), name: 'head' });
};
