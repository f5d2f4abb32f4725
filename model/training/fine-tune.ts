import * as tf from '@tensorflow/tfjs-core';
import { openExtractor } from '../backbone/backbone.ts';
import type { InputRange } from '../backbone/feature-extractor.ts';
import type { FeatureOptions } from '../backbone/features.ts';
import { DISTANCE_WEIGHTS } from '../calibration/known-score.ts';
import { PHOTO_SIDE } from '../contract/tensors.ts';
import { mixUp, photoTensor } from '../data/augment.ts';
import type { Example } from '../data/dataset.ts';
import type { Split } from '../data/split.ts';
import { answersOf } from '../evaluation/evaluate.ts';
import { buildHead, fitStandardization, standardize } from '../network/head.ts';
import { assignValues, readValues, type WeightValues } from '../network/weights.ts';
import type { ExportedNetwork } from '../savedmodel/export-layers.ts';
import type { Graph, Node } from '../savedmodel/graph.ts';
import { type NetworkWriter, writeResized } from '../savedmodel/serving-graph.ts';
import { TrainableGraph } from '../savedmodel/trainable-graph.ts';
import { stopIfAborted } from '../shared/abort.ts';
import type { TrainingRunOptions } from './loop.ts';
import { FINE_TUNE_RECIPE, type RecipeOptions, withOptions } from './recipe.ts';
import type { Pretrained, TrainedNetwork } from './train.ts';
import { trainHead, trainOnFeatures } from './train-head.ts';
import { type Trainee, trainOnPhotos } from './train-network.ts';

/** Node names of the classifier. */
const [KERNEL, BIAS] = ['logits/kernel', 'logits/bias'] as const;
const isClassifier = (name: string) => name === KERNEL || name === BIAS;

/** Learning rate of the classifier, relative to the pretrained blocks. */
const CLASSIFIER_RATE = 2;

/** Batch size without gradients. */
const BATCH = 32;

/** The share of the training after which photos have their final size and are no longer mixed. */
const LAST_PART = 0.75;
/** Networks are more accurate on photos slightly larger than those they were trained on (Touvron et al. 2019). */
const ENLARGEMENT = 13 / 12;

/** float32 `[N, side, side, 3]` */
const resized = (examples: readonly Example[], side: number): tf.Tensor4D =>
  tf.tidy(() => tf.image.resizeBilinear(photoTensor(examples), [side, side], false, true));

export interface FineTuneOptions extends TrainingRunOptions {
  /** The network whose last blocks are trained: `model.json` and its weights. */
  readonly pretrained: Pretrained;
  readonly classes: number;
  /**
   * A second, small, frozen network. Its features detect photos of none of the classes, which those of trained blocks
   * no longer do, and a linear head on it contributes to the probabilities. @default none
   */
  readonly reference?: Pretrained | undefined;
  /** @default {@link FINE_TUNE_RECIPE} */
  readonly recipe?: RecipeOptions;
  /** Cache folder for the reference's features. */
  readonly cacheDirectory?: FeatureOptions['cacheDirectory'];
  /**
   * Trained weights to start from. If they have no classifier, one is fitted.
   *
   * @param key identifies the backbone
   * @throws Error if they belong to another backbone
   */
  readonly earlier?: ((key: string) => Partial<FineTunedWeights>) | undefined;
  /** The values that the network expects for black and white. @default determined from the network */
  readonly range?: InputRange | undefined;
  /** Called while features are computed. */
  readonly onFeatures?: ((done: number, total: number) => void) | undefined;
}

interface FineTunedWeights {
  /** Weights of the trained blocks. */
  readonly body: WeightValues;
  readonly classifier: WeightValues;
}

export interface FineTunedNetwork extends TrainedNetwork {
  /** Identifies the backbone. */
  readonly key: string;
  readonly fineTuned: number;
  readonly weights: () => Promise<FineTunedWeights>;
}

/**
 * Fits the classifier in the graph to the frozen features, because a random one would destroy them in the first steps.
 */
const fitClassifier = async (
  graph: TrainableGraph,
  { train }: Split,
  { classes, recipe, signal, onFeatures }: FineTuneOptions,
  side: number,
): Promise<void> => {
  const batches: tf.Tensor2D[] = [];
  for (let start = 0; start < train.length; start += BATCH) {
    await stopIfAborted(signal, 'while computing features');
    batches.push(tf.tidy(() => graph.features(resized(train.slice(start, start + BATCH), side))));
    onFeatures?.(Math.min(train.length, start + BATCH), train.length);
  }
  const raw = tf.concat2d(batches, 0);
  const [, width] = raw.shape;
  const standardization = fitStandardization(raw);
  const features = standardize(raw, standardization);
  tf.dispose([...batches, raw]);
  const seed = recipe?.seed ?? FINE_TUNE_RECIPE.seed;
  const head = buildHead(width, classes, { hidden: 0, seed });
  await trainOnFeatures({
    ...{ head, classes, signal },
    train: { examples: train, features },
    recipe: { epochs: 30, seed },
  });
  tf.tidy(() => {
    const [kernel, bias] = head.getWeights();
    if (!kernel || !bias) throw new Error('The head must have a kernel and a bias.');
    const folded = tf.mul<tf.Tensor2D>(kernel, tf.tensor2d(standardization.scale, [width, 1]));
    const shift = tf.reshape(tf.matMul(tf.tensor2d(standardization.mean, [1, width]), folded), [-1]);
    const found: Readonly<Record<string, tf.Tensor>> = { [KERNEL]: folded, [BIAS]: tf.sub(bias, shift) };
    for (const { name, variable } of graph.trained) if (found[name]) variable.assign(found[name]);
  });
  features.dispose();
  head.dispose();
};

/** The network, and the contribution of each cell of its last feature map to the logits. */
const writeWithMap = (
  trained: TrainableGraph,
  graph: Graph,
  photos: Node,
  classes: number,
  side: number,
): ExportedNetwork => {
  const { features, logits, copy } = trained.write(graph, photos);
  const [height, width, channels] = trained.mapShape(side);
  const map = copy(trained.map);
  const cells = graph.reshape('map/cells', map, [-1, channels]);
  const products = graph.float('MatMul', 'map/products', [cells, copy(KERNEL)]);
  const node = graph.reshape('map', products, [-1, height, width, classes]);
  return { features, logits, map: { node, height, width } };
};

/** The reference's weight in the probabilities. See decision 016 for the measurement. */
const REFERENCE_SHARE = 0.25;

/** The weighted geometric mean of both networks' probabilities; the features are the reference's. */
const joined = (graph: Graph, tuned: ExportedNetwork, reference: ExportedNetwork): ExportedNetwork => {
  const part = (name: string, logits: Node, share: number) =>
    graph.float('Mul', `joined/${name}`, [logits, graph.scalar(`joined/${name}/share`, share)]);
  const logits = graph.float('AddV2', 'joined', [
    part('trained', tuned.logits, 1 - REFERENCE_SHARE),
    part('reference', reference.logits, REFERENCE_SHARE),
  ]);
  return { ...tuned, logits, features: reference.features };
};

/**
 * Trains the last blocks of a pretrained network, and a linear classifier after it, on augmented photos. See
 * `runTrainingLoop` for how it runs and resumes.
 *
 * @throws BackboneError if the folder has no network from which features can be extracted
 * @throws ExportError if that network cannot be exported
 * @throws AbortedError if the signal is aborted
 */
export const fineTune =
  (options: FineTuneOptions) =>
  async (split: Split): Promise<FineTunedNetwork> => {
    const { pretrained, classes, recipe: changes = {}, earlier: readEarlier, onFeatures, ...rest } = options;
    const { reference: _, cacheDirectory, range, ...run } = rest;
    const recipe = withOptions(FINE_TUNE_RECIPE, changes);
    const { initialResolution, resolution } = recipe;
    const { extractor, hash } = await openExtractor(pretrained.directory, { featureLevels: 1, range });
    const key = range ? `${hash}, range ${range.low} to ${range.high}` : hash;
    const width = tf.tidy(() => extractor.pool(tf.zeros([1, 64, 64, 3])).shape[1]);
    /** Adds a linear classifier, which starts undecided. */
    const network: NetworkWriter = (target, photos) => {
      const features = extractor.write(target, photos);
      const kernel = target.weights(KERNEL, new Float32Array(width * classes), [width, classes]);
      const product = target.float('MatMul', 'logits/product', [features, kernel]);
      const bias = target.weights(BIAS, new Float32Array(classes), [classes]);
      return { features, logits: target.float('AddV2', 'logits', [product, bias]) };
    };
    const graph = new TrainableGraph(network, recipe.fineTune, isClassifier);
    extractor.dispose();
    const served = Math.round((resolution * ENLARGEMENT) / 16) * 16;

    const variables = (ofClassifier: boolean) =>
      graph.trained.filter(({ name }) => isClassifier(name) === ofClassifier).map(({ variable }) => variable);
    const [body, classifier] = [variables(false), variables(true)];
    const earlier = readEarlier?.(key);
    if (earlier?.body) assignValues(body, earlier.body);
    if (earlier?.classifier) assignValues(classifier, earlier.classifier);
    const trainee: Trainee = {
      weights: graph.trained.map(({ variable }) => variable),
      rateOf: (weight) => (classifier.includes(weight) ? CLASSIFIER_RATE : 1),
      betas: [0.9, 0.99],
      runFrozen: (photos) => graph.runFrozen(photos),
      runTrained: (frozen) => graph.runTrained(frozen),
      predict: (examples) => answersOf(() => graph.runTrained(graph.runFrozen(resized(examples, served)))),
      lessonAt: (progress) => ({
        side: progress < LAST_PART ? initialResolution : resolution,
        augmentation: { maxAspect: 1.67, maxRotation: 17, colour: 0.25, tint: 0.06 },
        mix: (batch, random) => (progress < LAST_PART ? mixUp(batch, random) : batch),
      }),
      start: async () => {
        if (!earlier?.classifier) await fitClassifier(graph, split, options, initialResolution);
      },
    };
    const history = await trainOnPhotos(trainee, split, {
      ...{ classes, recipe },
      run: { ...run, context: [run.context, key].join(' ') },
    });
    const reference =
      options.reference &&
      (await trainHead({
        ...{ pretrained: options.reference, classes, head: { hidden: 0 }, onFeatures, cacheDirectory },
        backbone: { side: PHOTO_SIDE },
        ...{ signal: run.signal, recipe: { seed: recipe.seed } },
      })(split));
    return {
      write: (target, photos) => {
        const tuned = writeWithMap(graph, target, writeResized(target, photos, served), classes, served);
        if (!reference) return tuned;
        return joined(
          target,
          tuned,
          target.within('reference', () => reference.write(target, photos)),
        );
      },
      history,
      parameters: {
        total: graph.parameters.total + (reference?.parameters.total ?? 0),
        trained: graph.parameters.trained + (reference?.parameters.trained ?? 0),
      },
      side: served,
      backbone: pretrained.name,
      ...(reference && {
        distanceWeight: DISTANCE_WEIGHTS.trainedNetwork,
        background: reference.background,
      }),
      ...{ key, fineTuned: Math.min(recipe.fineTune, graph.blocks) },
      weights: async () => ({ body: await readValues(body), classifier: await readValues(classifier) }),
    };
  };
