import { CHANNELS, TRAINING_PATHS } from '../../contract/sagemaker-jobs.ts';
import { holdsArchive, withArchive } from '../archive.ts';
import { type EarlierNetwork, readNetwork } from '../network-file.ts';
import type { OptMl } from '../opt-ml.ts';
import { NOTHING_SEEN, readPhotosFile, type SeenPhotos } from '../photos-file.ts';

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

/** Whether an earlier network's last layer names these very classes; says what is gone on from. */
export const keepsClassifier = (
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
