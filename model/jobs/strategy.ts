import { parseRange } from '../backbone/feature-extractor.ts';
import { CHANNELS } from '../contract/sagemaker-jobs.ts';
import type { Split } from '../data/split.ts';
import { buildHead } from '../network/head.ts';
import { buildNetwork } from '../network/network.ts';
import { fineTune } from '../training/fine-tune.ts';
import type { TrainingRunOptions } from '../training/loop.ts';
import type { Pretrained, TrainedNetwork } from '../training/train.ts';
import { trainHead } from '../training/train-head.ts';
import { trainNetwork } from '../training/train-network.ts';
import { readWeights, restoreWeights, type StoredNetwork } from './archive.ts';
import type { Hyperparameters } from './hyperparameters.ts';

/** What a training starts from, and how to run it. */
interface StrategyInput {
  readonly labels: readonly string[];
  readonly hyperparameters: Hyperparameters;
  readonly earlier: StoredNetwork | undefined;
  readonly pretrained: Pretrained | undefined;
  readonly run: TrainingRunOptions;
  /** Cache folder for a backbone's features, which a resumed training reuses. */
  readonly featuresDirectory: string;
  /** Called while features are computed. */
  readonly onFeatures: (done: number, total: number) => void;
  readonly log: (text: string) => void;
}

/** Trains, and returns what a later training can start from. */
type Strategy = (
  split: Split,
) => Promise<{ readonly network: TrainedNetwork; readonly stored: StoredNetwork }>;

/** Whether an earlier network's last layer is for the same classes. Logs what the training starts from. */
const keepsClassifier = ({ labels: known }: StoredNetwork, { labels, log }: StrategyInput): boolean => {
  const same = known.join('/') === labels.join('/');
  const start = `Starting from the earlier model of ${known.join(', ')}`;
  log(
    same
      ? `${start}.`
      : `${start}; the classes differ, so its last layer, which names them, starts from random weights.`,
  );
  return same;
};

type Earlier<Kind extends StoredNetwork['kind']> = Extract<StoredNetwork, { kind: Kind }> | undefined;

/** @throws Error if the earlier model was trained on another backbone than that of `key` */
const checkBackbone = (earlier: { readonly backbone: string }, key: string): void => {
  if (key === earlier.backbone) return;
  throw new Error(
    'The earlier model was trained on another pretrained network, or on other features of it. Put the network that it was trained on into the channel pretrained, or omit the earlier model.',
  );
};

/** Trains the last blocks of the pretrained network and a classifier after them. */
const fineTuneStrategy = (
  input: StrategyInput,
  pretrained: Pretrained,
  earlier: Earlier<'fine-tuned'>,
): Strategy => {
  const { labels, hyperparameters, run, onFeatures, log } = input;
  const blocks = earlier?.blocks ?? hyperparameters.fineTune;
  log(`Training the last ${blocks} blocks of the pretrained network.`);
  const train = fineTune({
    ...run,
    ...{ pretrained, classes: labels.length, recipe: { ...hyperparameters, fineTune: blocks } },
    range: parseRange(hyperparameters.pretrainedRange),
    earlier:
      earlier &&
      ((key) => {
        checkBackbone(earlier, key);
        const { body, classifier } = earlier;
        return keepsClassifier(earlier, input) ? { body, classifier } : { body };
      }),
    onFeatures,
  });
  return async (split) => {
    const network = await train(split);
    const { key: backbone, fineTuned, weights } = network;
    const stored = { labels, backbone, blocks: fineTuned, ...(await weights()) };
    return { network, stored: { kind: 'fine-tuned', ...stored } };
  };
};

/** Trains a small head on the features of the frozen pretrained network. */
const headStrategy = (input: StrategyInput, pretrained: Pretrained, earlier: Earlier<'head'>): Strategy => {
  const { labels, hyperparameters: recipe, run, featuresDirectory, onFeatures, log } = input;
  const classes = labels.length;
  log('Training a head on the pretrained network, which is frozen.');
  const train = trainHead({
    ...run,
    ...{ pretrained, recipe, classes, cacheDirectory: featuresDirectory },
    backbone: { range: parseRange(recipe.pretrainedRange) },
    earlier:
      earlier &&
      ((key) => {
        checkBackbone(earlier, key);
        const keepClassifier = keepsClassifier(earlier, input);
        const [mean = new Float32Array(), scale = new Float32Array()] = earlier.standardization ?? [];
        const build = () => buildHead(mean.length, classes, { seed: recipe.seed });
        return {
          standardization: { mean, scale },
          build: () => restoreWeights(build(), earlier, keepClassifier),
        };
      }),
    onFeatures,
  });
  return async (split) => {
    const network = await train(split);
    const { head, key: backbone, standardization } = network;
    const { mean, scale } = standardization;
    const weights = { ...(await readWeights(head)), standardization: [mean, scale] };
    return { network, stored: { kind: 'head', labels, backbone, ...weights } };
  };
};

/** Default shape of a network trained from random weights. */
const DEFAULT_SHAPE = { stem: 32, blocks: [48, 96, 96, 160], dropout: 0.3 };

/** Trains our own network, from random weights or from an earlier model. */
const networkStrategy = (input: StrategyInput, earlier: Earlier<'network'>): Strategy => {
  const { labels, hyperparameters: recipe, pretrained, run, log } = input;
  const { stem = DEFAULT_SHAPE.stem, blocks = DEFAULT_SHAPE.blocks, seed } = recipe;
  const shape = earlier?.shape ?? { stem, blocks, dropout: DEFAULT_SHAPE.dropout };
  const network = buildNetwork({ ...shape, classes: labels.length, seed });
  if (!earlier) log('Starting from random weights.');
  else {
    if (recipe.stem !== undefined || recipe.blocks !== undefined)
      log('The hyperparameters stem and blocks are not used: the earlier model brings its own.');
    restoreWeights(network, earlier, keepsClassifier(earlier, input));
    if (pretrained) log('The pretrained network is not used: the earlier model is a whole network.');
  }
  const train = trainNetwork({ ...run, network, classes: labels.length, recipe });
  return async (split) => ({
    network: await train(split),
    stored: { kind: 'network', labels, shape, ...(await readWeights(network)) },
  });
};

/**
 * With a pretrained network, trains a head on it or its last blocks. An earlier model is trained further with its own
 * strategy.
 *
 * @throws Error if an earlier model comes without its backbone
 */
export const chooseStrategy = (input: StrategyInput): Strategy => {
  const { earlier, pretrained, hyperparameters } = input;
  if (earlier?.kind === 'network') return networkStrategy(input, earlier);
  if (!pretrained) {
    if (!earlier) return networkStrategy(input, undefined);
    throw new Error(
      `The earlier model was trained on a pretrained network, which is not in the channel ${CHANNELS.pretrained}. Put that network there.`,
    );
  }
  if (earlier?.kind === 'head') return headStrategy(input, pretrained, earlier);
  return earlier || hyperparameters.fineTune !== undefined
    ? fineTuneStrategy(input, pretrained, earlier)
    : headStrategy(input, pretrained, undefined);
};
