import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CHANNELS, TRAINING_PATHS } from '../contract/learning-jobs.ts';
import { EMPTY_MANIFEST, readSplitManifest, type Split, type SplitManifest } from '../data/split.ts';
import { fromScratch, type Pretrained } from '../learn/from-scratch.ts';
import { onBackbone } from '../learn/on-backbone.ts';
import type { PretrainedRole, TrainedNetwork } from '../learn/trained-network.ts';
import { buildNetwork } from '../network/network.ts';
import { readdirIfExists } from '../shared/files.ts';
import type { RunOptions } from '../training/run-options.ts';
import type { EarlierHead, TransferResult } from '../transfer/train-transfer.ts';
import {
  containsArchive,
  type EarlierNetwork,
  encodeNetwork,
  type NetworkShape,
  readNetwork,
  withArchive,
} from './archive.ts';
import type { ContainerPaths } from './container.ts';
import type { Hyperparameters } from './hyperparameters.ts';

/** What a training starts from, and how it is to go. */
interface StrategyInput {
  readonly labels: readonly string[];
  readonly hyperparameters: Hyperparameters;
  readonly earlier: EarlierNetwork | undefined;
  readonly pretrained: (Pretrained & { readonly digest: string }) | undefined;
  readonly run: RunOptions;
  /** Where a backbone's features are kept, to go on from. */
  readonly featuresDirectory: string;
  readonly say: (text: string) => void;
}

/** A way to train. */
interface Strategy {
  /** What the pretrained network is to this training; absent: there is none. */
  readonly pretrainedRole?: PretrainedRole;
  readonly train: (split: Split) => Promise<TrainedNetwork>;
  /** After the training: what a later one goes on from. */
  readonly encode: () => Promise<Uint8Array>;
}

/** A model that an earlier training made. */
interface EarlierModel {
  readonly network: EarlierNetwork;
  readonly seen: SplitManifest;
}

/** @returns nothing when the channel `model` holds no archive */
export const readEarlierModel = async (optMl: ContainerPaths): Promise<EarlierModel | undefined> => {
  const channel = optMl.at(TRAINING_PATHS.channels, CHANNELS.model);
  if (!(await containsArchive(channel))) return undefined;
  return withArchive(channel, async (unpacked) => ({
    network: await readNetwork(unpacked),
    seen: await readSplitManifest(unpacked),
  }));
};

export const seenBefore = (earlier: EarlierModel | undefined): SplitManifest =>
  earlier?.seen ?? EMPTY_MANIFEST;

/** Whether an earlier network's last layer names these very classes; says what is gone on from. */
const keepsClassifier = (
  { labels: known }: EarlierNetwork,
  labels: readonly string[],
  say: (text: string) => void,
): boolean => {
  const same = known.length === labels.length && known.every((name, index) => name === labels[index]);
  say(
    same
      ? `Going on from the earlier model of ${known.join(', ')}.`
      : `Going on from the earlier model of ${known.join(', ')}; the classes differ, so its last layer, which names them, starts anew.`,
  );
  return same;
};

type EarlierTrainedHead = Extract<EarlierNetwork, { kind: 'head' }>;

/** @throws Error when the earlier head was trained on other features than those of `key` */
const startingHead = (
  { labels, hyperparameters: { seed }, say }: StrategyInput,
  earlier: EarlierTrainedHead,
  key: string,
): EarlierHead => {
  if (key !== earlier.backbone) {
    throw new Error(
      'The earlier model stands on another pretrained network, or sees its features in another way. Give the one that it was trained on in the channel pretrained, or no earlier model.',
    );
  }
  const keepClassifier = keepsClassifier(earlier, labels, say);
  return {
    standardization: earlier.standardization,
    build: () => earlier.build({ classes: labels.length, keepClassifier, seed }),
  };
};

/** Trains a small head on the features that the pretrained network sees; that network itself stays as it is. */
const trainHeadOnBackbone = (
  input: StrategyInput,
  { directory, name }: Pretrained,
  earlier: EarlierTrainedHead | undefined,
): Strategy => {
  const { labels, hyperparameters, run, featuresDirectory, say } = input;
  say('Training a head on the pretrained network, whose own weights stay as they are.');
  const { epochs, batchSize, learningRate, seed, patience, balanced } = hyperparameters;
  let result: TransferResult | undefined;
  let told = 0;
  return {
    train: onBackbone({
      ...run,
      ...{ epochs, batchSize, learningRate, seed, patience, balanced },
      ...{ directory, name, classes: labels.length, cacheDirectory: featuresDirectory },
      earlier: earlier && ((key) => startingHead(input, earlier, key)),
      onTrained: (trained) => {
        result = trained;
      },
      onFeatures: (done, total) => {
        const tenth = Math.floor((10 * done) / total);
        if (tenth > told) say(`The pretrained network has seen ${done} of ${total} photos.`);
        told = tenth;
      },
    }),
    pretrainedRole: 'backbone',
    encode: async () => {
      if (!result) throw new Error('The head is not trained yet.');
      const { head, key: backbone, standardization } = result;
      return encodeNetwork(head, labels, { kind: 'head', backbone, standardization });
    },
  };
};

/** That of a network that is trained from scratch, unless it is asked for otherwise. */
const DEFAULT_SHAPE: NetworkShape = { stem: 32, blocks: [48, 96, 96, 160], dropout: 0.3 };

const shapeOf = ({ stem, blocks }: Hyperparameters): NetworkShape => ({
  ...DEFAULT_SHAPE,
  ...(stem !== undefined && { stem }),
  ...(blocks !== undefined && { blocks: [...blocks] }),
});

type EarlierWhole = Extract<EarlierNetwork, { kind: 'network' }>;

/** From random weights, or from an earlier network: with its classifier if it names the same classes. */
const startingNetwork = (
  { labels, hyperparameters, say }: StrategyInput,
  earlier: EarlierWhole | undefined,
) => {
  const classes = labels.length;
  const { stem, blocks, seed } = hyperparameters;
  if (!earlier) {
    const shape = shapeOf(hyperparameters);
    say('Starting from random weights.');
    return { network: buildNetwork({ ...shape, classes, seed }), shape };
  }
  if (stem !== undefined || blocks !== undefined)
    say('The hyperparameters stem and blocks are not used: the earlier model brings its own.');
  const keepClassifier = keepsClassifier(earlier, labels, say);
  return { network: earlier.build({ classes, keepClassifier, seed }), shape: earlier.shape };
};

/** Trains a whole network of our own; a pretrained one, if there is one, is its teacher. */
const trainWholeNetwork = (input: StrategyInput, earlier: EarlierWhole | undefined): Strategy => {
  const { labels, hyperparameters, pretrained, run, say } = input;
  const { network, shape } = startingNetwork(input, earlier);
  if (pretrained) say('The pretrained network is the teacher of this training.');
  const { epochs, batchSize, learningRate, firstSide, seed, patience, balanced } = hyperparameters;
  return {
    train: fromScratch({
      ...run,
      ...{ epochs, batchSize, learningRate, firstSide, seed, patience, balanced },
      ...{ network, classes: labels.length, teacher: pretrained, context: pretrained?.digest },
    }),
    ...(pretrained && { pretrainedRole: 'teacher' }),
    encode: () => encodeNetwork(network, labels, { kind: 'network', shape }),
  };
};

/**
 * A pretrained network is a backbone unless it is asked for as a teacher, or an earlier model is a whole network, which
 * it then teaches. An earlier head goes on, on its backbone.
 *
 * @throws Error when an earlier head comes without a backbone
 */
export const chooseStrategy = (input: StrategyInput): Strategy => {
  const { earlier, pretrained, hyperparameters } = input;
  if (earlier?.kind === 'head') {
    if (pretrained) return trainHeadOnBackbone(input, pretrained, earlier);
    throw new Error(
      'The earlier model is a head on a pretrained network, which the channel pretrained does not hold. Give the network that it was trained on there.',
    );
  }
  if (pretrained && !earlier && hyperparameters.pretrainedRole === 'backbone')
    return trainHeadOnBackbone(input, pretrained, undefined);
  return trainWholeNetwork(input, earlier);
};

const MODEL_FILE = 'model.json';

/** A pretrained TensorFlow.js model. */
interface ChannelNetwork extends Pretrained {
  /** SHA-256 of its files, hex. */
  readonly digest: string;
}

/** @returns nothing when the channel `pretrained` holds no model; other files there, such as a note, do not count */
export const findPretrained = async (optMl: ContainerPaths): Promise<ChannelNetwork | undefined> => {
  const directory = optMl.at(TRAINING_PATHS.channels, CHANNELS.pretrained);
  const names = (await readdirIfExists(directory))
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map(({ name }) => name);
  if (!names.includes(MODEL_FILE)) return undefined;
  const sum = createHash('sha256');
  for (const name of names.sort()) sum.update(name).update(await readFile(path.join(directory, name)));
  return { directory, name: `the network of the channel ${CHANNELS.pretrained}`, digest: sum.digest('hex') };
};
