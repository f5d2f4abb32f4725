import {
  initializers,
  input,
  type LayersModel,
  layers,
  model,
  SymbolicTensor,
} from '@tensorflow/tfjs-layers';
import { SeededDropout } from '../training/seeded-dropout.ts';

export interface HeadOptions {
  /** Neurons between features and classes; 0: none, the classes are linear in the features. @default 512 */
  readonly hidden?: number | undefined;
  /** Fraction of the features dropped while training. @default 0.3 */
  readonly featureDropout?: number | undefined;
  /** Fraction of the hidden neurons dropped while training. @default 0.5 */
  readonly dropout?: number | undefined;
  /** Seed of the initial weights. @default 1 */
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
  { hidden = 512, featureDropout = 0.3, dropout = 0.5, seed = 1 }: HeadOptions = {},
): LayersModel => {
  const described = input({ shape: [features] });
  let x = applied(new SeededDropout(featureDropout), described);
  if (hidden > 0) {
    const neurons = layers.dense({
      units: hidden,
      activation: 'relu',
      name: 'hidden',
      kernelInitializer: initializers.heNormal({ seed: seed * 1000 }),
    });
    x = applied(new SeededDropout(dropout), applied(neurons, x));
  }
  const classifier = layers.dense({
    units: classes,
    name: 'logits',
    // Undecided at first, rather than sure of the wrong things: what a small learning rate would take long to unlearn.
    kernelInitializer: initializers.zeros(),
  });
  return model({ inputs: described, outputs: applied(classifier, x), name: 'head' });
};
