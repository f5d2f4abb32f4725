import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseRange } from '../backbone/feature-extractor.ts';
import { CHANNELS, TRAINING_PATHS } from '../contract/sagemaker-jobs.ts';
import type { Split } from '../data/split.ts';
import { buildNetwork } from '../network/network.ts';
import { readdirIfExists } from '../shared/files.ts';
import { fineTune } from '../training/fine-tune.ts';
import type { TrainingRunOptions } from '../training/loop.ts';
import type { Pretrained, TrainedNetwork, Trainer } from '../training/train.ts';
import { type EarlierHead, trainHead } from '../training/train-head.ts';
import { trainNetwork } from '../training/train-network.ts';
import { type EarlierNetwork, type NetworkShape, serializeFineTuned, serializeNetwork } from './archive.ts';
import type { ContainerPaths } from './container.ts';
import type { Hyperparameters } from './hyperparameters.ts';

const MODEL_FILE = 'model.json';

/** A pretrained TensorFlow.js model. */
interface ChannelNetwork extends Pretrained {
  /** SHA-256 of its files, hex. */
  readonly digest: string;
}

/** @returns nothing when the channel `pretrained` holds no model; other files there, such as a note, do not count */
export const findPretrained = async (container: ContainerPaths): Promise<ChannelNetwork | undefined> => {
  const directory = container.at(TRAINING_PATHS.channels, CHANNELS.pretrained);
  const names = (await readdirIfExists(directory))
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map(({ name }) => name);
  if (!names.includes(MODEL_FILE)) return undefined;
  const sum = createHash('sha256');
  for (const name of names.sort()) sum.update(name).update(await readFile(path.join(directory, name)));
  return { directory, name: `the network of the channel ${CHANNELS.pretrained}`, digest: sum.digest('hex') };
};

/** What a training starts from, and how it is to be run. */
interface StrategyInput {
  readonly labels: readonly string[];
  readonly hyperparameters: Hyperparameters;
  readonly earlier: EarlierNetwork | undefined;
  readonly pretrained: ChannelNetwork | undefined;
  readonly run: TrainingRunOptions;
  /** For the features of a backbone, which a resumed training uses again. */
  readonly featuresDirectory: string;
  readonly log: (text: string) => void;
}

interface Strategy {
  /** Whether it stands on the pretrained network. */
  readonly backbone?: true;
  readonly trainer: Trainer;
  /** After the training: what a later one may start from. */
  readonly serialize: () => Promise<Uint8Array>;
}

/** Whether an earlier network's last layer is for these very classes; logs what the training starts from. */
const keepsClassifier = (
  { labels: known }: EarlierNetwork,
  { labels, log }: Pick<StrategyInput, 'labels' | 'log'>,
): boolean => {
  const same = known.length === labels.length && known.every((name, index) => name === labels[index]);
  log(
    same
      ? `Starting from the earlier model of ${known.join(', ')}.`
      : `Starting from the earlier model of ${known.join(', ')}; the classes differ, so its last layer, which names them, starts from random weights.`,
  );
  return same;
};

type EarlierTrainedHead = Extract<EarlierNetwork, { kind: 'head' }>;

/** @throws Error when the earlier model stands on another backbone than that of `key` */
const checkBackbone = ({ backbone }: { readonly backbone: string }, key: string): void => {
  if (key === backbone) return;
  throw new Error(
    'The earlier model stands on another pretrained network, or sees its features in another way. Give the one that it was trained on in the channel pretrained, or no earlier model.',
  );
};

/** @throws Error when the earlier head was trained on other features than those of `key` */
const startingHead = (input: StrategyInput, earlier: EarlierTrainedHead, key: string): EarlierHead => {
  const { labels, hyperparameters } = input;
  checkBackbone(earlier, key);
  const keepClassifier = keepsClassifier(earlier, input);
  const { seed } = hyperparameters;
  return {
    standardization: earlier.standardization,
    build: () => earlier.build({ classes: labels.length, keepClassifier, seed }),
  };
};

const featuresReporter = (log: StrategyInput['log']) => {
  let lastTenth = 0;
  return (done: number, total: number): void => {
    const tenth = Math.floor((10 * done) / total);
    if (tenth > lastTenth) log(`The pretrained network has seen ${done} of ${total} photos.`);
    lastTenth = tenth;
  };
};

/** Keeps what was trained on a backbone until it is serialized. */
const onBackbone = <Trained extends TrainedNetwork>(
  train: (split: Split) => Promise<Trained>,
  serialize: (trained: Trained) => Promise<Uint8Array>,
): Strategy => {
  let trained: Trained | undefined;
  return {
    trainer: async (split) => {
      trained = await train(split);
      return trained;
    },
    backbone: true,
    serialize: async () => {
      if (!trained) throw new Error('The network is not trained yet.');
      return serialize(trained);
    },
  };
};

type EarlierFineTuned = Extract<EarlierNetwork, { kind: 'fine-tuned' }>;

/** Trains the last blocks of the pretrained network, and a classifier after them. */
const fineTuneStrategy = (
  input: StrategyInput,
  pretrained: Pretrained,
  earlier: EarlierFineTuned | undefined,
): Strategy => {
  const { labels, hyperparameters, run, log } = input;
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
    onFeatures: featuresReporter(log),
  });
  return onBackbone(train, async ({ key: backbone, fineTuned, weights }) =>
    serializeFineTuned(labels, { backbone, blocks: fineTuned, ...(await weights()) }),
  );
};

/** Trains a small head on the features of the pretrained network, which itself stays as it is. */
const headStrategy = (
  input: StrategyInput,
  pretrained: Pretrained,
  earlier: EarlierTrainedHead | undefined,
): Strategy => {
  const { labels, hyperparameters: recipe, run, featuresDirectory, log } = input;
  log('Training a head on the pretrained network, whose own weights stay as they are.');
  const train = trainHead({
    ...run,
    ...{ pretrained, recipe, classes: labels.length, cacheDirectory: featuresDirectory },
    backbone: { range: parseRange(recipe.pretrainedRange) },
    earlier: earlier && ((key) => startingHead(input, earlier, key)),
    onFeatures: featuresReporter(log),
  });
  return onBackbone(train, ({ head, key: backbone, standardization }) =>
    serializeNetwork(head, labels, { kind: 'head', backbone, standardization }),
  );
};

/** Default shape of a network trained from random weights. */
const DEFAULT_SHAPE: NetworkShape = { stem: 32, blocks: [48, 96, 96, 160], dropout: 0.3 };

type EarlierWholeNetwork = Extract<EarlierNetwork, { kind: 'network' }>;

/** From random weights, or from an earlier network: with its classifier if it has the same classes. */
const startingNetwork = (input: StrategyInput, earlier: EarlierWholeNetwork | undefined) => {
  const { labels, hyperparameters, log } = input;
  const classes = labels.length;
  const { stem, blocks, seed } = hyperparameters;
  if (!earlier) {
    const { stem: defaultStem, blocks: defaultBlocks, dropout } = DEFAULT_SHAPE;
    const shape = { stem: stem ?? defaultStem, blocks: blocks ?? defaultBlocks, dropout };
    log('Starting from random weights.');
    return { network: buildNetwork({ ...shape, classes, seed }), shape };
  }
  if (stem !== undefined || blocks !== undefined)
    log('The hyperparameters stem and blocks are not used: the earlier model brings its own.');
  const keepClassifier = keepsClassifier(earlier, input);
  return { network: earlier.build({ classes, keepClassifier, seed }), shape: earlier.shape };
};

/** Trains a whole network of our own. */
const networkStrategy = (input: StrategyInput, earlier: EarlierWholeNetwork | undefined): Strategy => {
  const { labels, hyperparameters: recipe, pretrained, run, log } = input;
  const { network, shape } = startingNetwork(input, earlier);
  if (pretrained) log('The pretrained network is not used: the earlier model is a whole network.');
  return {
    trainer: trainNetwork({ ...run, network, classes: labels.length, recipe }),
    serialize: () => serializeNetwork(network, labels, { kind: 'network', shape }),
  };
};

/**
 * With a pretrained network, a head on it or its last blocks are trained; an earlier model is trained further in the way
 * in which it was made.
 *
 * @throws Error when an earlier model comes without the backbone that it stands on
 */
export const chooseStrategy = (input: StrategyInput): Strategy => {
  const { earlier, pretrained, hyperparameters } = input;
  if (earlier?.kind === 'network') return networkStrategy(input, earlier);
  if (!pretrained && earlier) {
    throw new Error(
      'The earlier model stands on a pretrained network, which the channel pretrained does not hold. Give the network that it was trained on there.',
    );
  }
  if (!pretrained) return networkStrategy(input, undefined);
  if (earlier?.kind === 'head') return headStrategy(input, pretrained, earlier);
  return earlier || hyperparameters.fineTune !== undefined
    ? fineTuneStrategy(input, pretrained, earlier)
    : headStrategy(input, pretrained, undefined);
};
