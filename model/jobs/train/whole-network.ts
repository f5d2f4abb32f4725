import { fromScratch } from '../../learn/from-scratch.ts';
import { buildNetwork } from '../../training/network.ts';
import { type EarlierNetwork, encodeNetwork, type NetworkShape } from '../network-file.ts';
import { keepsClassifier } from './earlier-model.ts';
import type { Hyperparameters } from './hyperparameters.ts';
import type { Strategy, StrategyInput } from './strategy.ts';

/** That of a network that is trained from scratch, unless it is asked for otherwise. */
const DEFAULT_SHAPE: NetworkShape = { stem: 32, blocks: [48, 96, 96, 160], dropout: 0.3 };

const shapeOf = ({ stem, blocks }: Hyperparameters): NetworkShape => ({
  ...DEFAULT_SHAPE,
  ...(stem !== undefined && { stem }),
  ...(blocks !== undefined && { blocks: [...blocks] }),
});

export type EarlierWhole = Extract<EarlierNetwork, { kind: 'network' }>;

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
export const trainWholeNetwork = (input: StrategyInput, earlier: EarlierWhole | undefined): Strategy => {
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
