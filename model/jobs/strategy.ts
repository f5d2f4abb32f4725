import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CHANNELS, TRAINING_PATHS } from '../contract/sagemaker-jobs.ts';
import { buildNetwork } from '../network/network.ts';
import { readdirIfExists } from '../shared/files.ts';
import type { TrainingRunOptions } from '../training/loop.ts';
import type { Pretrained, PretrainedRole, Trainer } from '../training/train.ts';
import { type EarlierHead, type TrainedHead, trainHead } from '../training/train-head.ts';
import { trainNetwork } from '../training/train-network.ts';
import { type EarlierNetwork, type NetworkShape, serializeNetwork } from './archive.ts';
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
  /** What the pretrained network is to this training; absent: there is none. */
  readonly pretrainedRole?: PretrainedRole;
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

/** @throws Error when the earlier head was trained on other features than those of `key` */
const startingHead = (input: StrategyInput, earlier: EarlierTrainedHead, key: string): EarlierHead => {
  const { labels, hyperparameters } = input;
  if (key !== earlier.backbone) {
    throw new Error(
      'The earlier model stands on another pretrained network, or sees its features in another way. Give the one that it was trained on in the channel pretrained, or no earlier model.',
    );
  }
  const keepClassifier = keepsClassifier(earlier, input);
  const { seed } = hyperparameters;
  return {
    standardization: earlier.standardization,
    build: () => earlier.build({ classes: labels.length, keepClassifier, seed }),
  };
};

/** Trains a small head on the features of the pretrained network, which itself stays as it is. */
const headStrategy = (
  input: StrategyInput,
  pretrained: Pretrained,
  earlier: EarlierTrainedHead | undefined,
): Strategy => {
  const { labels, hyperparameters: recipe, run, featuresDirectory, log } = input;
  log('Training a head on the pretrained network, whose own weights stay as they are.');
  let trained: TrainedHead | undefined;
  let lastTenth = 0;
  const train = trainHead({
    ...run,
    ...{ pretrained, recipe, classes: labels.length, cacheDirectory: featuresDirectory },
    earlier: earlier && ((key) => startingHead(input, earlier, key)),
    onFeatures: (done, total) => {
      const tenth = Math.floor((10 * done) / total);
      if (tenth > lastTenth) log(`The pretrained network has seen ${done} of ${total} photos.`);
      lastTenth = tenth;
    },
  });
  return {
    trainer: async (split) => {
      trained = await train(split);
      return trained;
    },
    pretrainedRole: 'backbone',
    serialize: async () => {
      if (!trained) throw new Error('The head is not trained yet.');
      const { head, key: backbone, standardization } = trained;
      return serializeNetwork(head, labels, { kind: 'head', backbone, standardization });
    },
  };
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

/** Trains a whole network of our own; a pretrained one, if there is one, is its teacher. */
const networkStrategy = (input: StrategyInput, earlier: EarlierWholeNetwork | undefined): Strategy => {
  const { labels, hyperparameters: recipe, pretrained: teacher, run, log } = input;
  const { network, shape } = startingNetwork(input, earlier);
  if (teacher) log('The pretrained network is the teacher of this training.');
  return {
    trainer: trainNetwork({
      ...run,
      ...{ network, classes: labels.length, recipe, teacher, context: teacher?.digest },
    }),
    ...(teacher && { pretrainedRole: 'teacher' }),
    serialize: () => serializeNetwork(network, labels, { kind: 'network', shape }),
  };
};

/**
 * A pretrained network is a backbone unless it is asked for as a teacher, or an earlier model is a whole network, which
 * it then teaches. An earlier head is trained further, on its backbone.
 *
 * @throws Error when an earlier head comes without a backbone
 */
export const chooseStrategy = (input: StrategyInput): Strategy => {
  const { earlier, pretrained, hyperparameters } = input;
  if (earlier?.kind === 'head') {
    if (pretrained) return headStrategy(input, pretrained, earlier);
    throw new Error(
      'The earlier model is a head on a pretrained network, which the channel pretrained does not hold. Give the network that it was trained on there.',
    );
  }
  if (pretrained && !earlier && hyperparameters.pretrainedRole === 'backbone')
    return headStrategy(input, pretrained, undefined);
  return networkStrategy(input, earlier);
};
