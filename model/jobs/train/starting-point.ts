import type { LayersModel } from '@tensorflow/tfjs-layers';
import { CHANNELS, TRAINING_PATHS } from '../../contract/learning-jobs.ts';
import { buildNetwork } from '../../training/network.ts';
import { holdsArchive, withArchive } from '../archive.ts';
import { type EarlierNetwork, type NetworkShape, readNetwork } from '../network-file.ts';
import type { OptMl } from '../opt-ml.ts';
import { NOTHING_SEEN, readPhotosFile, type SeenPhotos } from '../photos-file.ts';
import type { Hyperparameters } from './hyperparameters.ts';

/** Those of a network that is trained from scratch, unless they are asked for otherwise. */
const DEFAULT_SHAPE: NetworkShape = { stem: 32, blocks: [48, 96, 96, 160], dropout: 0.3 };

/** A model that an earlier training made. */
export interface EarlierModel {
  readonly network: EarlierNetwork;
  readonly seen: SeenPhotos;
}

/** @returns nothing when the channel `model` holds no archive */
export const readEarlierModel = async (optMl: OptMl): Promise<EarlierModel | undefined> => {
  const channel = optMl.at(TRAINING_PATHS.channels, CHANNELS.model);
  if (!(await holdsArchive(channel))) return undefined;
  return withArchive(channel, async (unpacked) => ({
    network: await readNetwork(unpacked),
    seen: await readPhotosFile(unpacked),
  }));
};

export const seenBefore = (earlier: EarlierModel | undefined): SeenPhotos => earlier?.seen ?? NOTHING_SEEN;

export interface StartingNetwork {
  readonly network: LayersModel;
  readonly shape: NetworkShape;
}

/** From scratch, or from an earlier model: with its classifier if it names the same classes. */
export const startingNetwork = (
  labels: readonly string[],
  { stem, blocks, seed }: Hyperparameters,
  earlier: EarlierModel | undefined,
  say: (text: string) => void,
): StartingNetwork => {
  const classes = labels.length;
  if (!earlier) {
    const shape = {
      ...DEFAULT_SHAPE,
      ...(stem !== undefined && { stem }),
      ...(blocks !== undefined && { blocks: [...blocks] }),
    };
    say('Starting from random weights.');
    return { network: buildNetwork({ ...shape, classes, seed }), shape };
  }
  const { shape, labels: known, build } = earlier.network;
  const keepClassifier = known.length === classes && known.every((name, index) => name === labels[index]);
  if (stem !== undefined || blocks !== undefined)
    say('The hyperparameters stem and blocks are not used: the earlier model brings its own.');
  say(
    keepClassifier
      ? `Going on from the earlier model of ${known.join(', ')}.`
      : `Going on from the earlier model of ${known.join(', ')}; the classes differ, so its last layer, which names them, starts anew.`,
  );
  return { network: build({ classes, keepClassifier, seed }), shape };
};
