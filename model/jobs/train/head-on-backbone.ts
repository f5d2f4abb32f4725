import type { Pretrained } from '../../learn/from-scratch.ts';
import { onBackbone } from '../../learn/on-backbone.ts';
import type { EarlierHead, TransferResult } from '../../transfer/train-transfer.ts';
import { type EarlierNetwork, encodeNetwork } from '../network-file.ts';
import { keepsClassifier } from './earlier-model.ts';
import type { Strategy, StrategyInput } from './strategy.ts';

export type EarlierTrainedHead = Extract<EarlierNetwork, { kind: 'head' }>;

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
export const trainHeadOnBackbone = (
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
