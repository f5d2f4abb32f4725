import { EVALUATION_INPUTS } from '../../contract/sagemaker-jobs.ts';
import { pluralize } from '../../shared/text.ts';
import type { Example } from '../../training/dataset.ts';
import type { OptMl } from '../opt-ml.ts';
import { holdsPhotos, type PhotoFolderOptions, readPhotoFolder } from '../photo-folder.ts';
import type { SeenPhotos } from '../photos-file.ts';

/** A photo with the name of its class: folders may number theirs differently. */
export interface NamedPhoto {
  readonly photo: Example;
  readonly name: string;
}

export interface TestPhotos {
  readonly photos: readonly NamedPhoto[];
  /** How many of the photos that the training held back are no longer there. */
  readonly missing: number;
}

/**
 * Those of the inputs `test` and `train` that the training held back, and no others.
 *
 * @throws Error when there are none
 */
export const readTestPhotos = async (
  optMl: OptMl,
  { test }: SeenPhotos,
  options: Omit<PhotoFolderOptions, 'name'>,
): Promise<TestPhotos> => {
  const byContent = new Map<string, NamedPhoto>();
  // What lies in the input `test` counts where the two disagree about a photo's class.
  for (const input of ['train', 'test'] as const) {
    const directory = optMl.at(EVALUATION_INPUTS[input]);
    if (!(await holdsPhotos(directory))) continue;
    const { labels, examples } = await readPhotoFolder(directory, { ...options, name: `input ${input}` });
    for (const photo of examples) byContent.set(photo.content, { photo, name: labels[photo.label] ?? '' });
  }
  const photos = test.flatMap((content) => byContent.get(content) ?? []);
  if (photos.length === 0) {
    throw new Error(
      `None of the ${pluralize(test.length, 'photo')} that the training held back for the test lie in ${optMl.at(EVALUATION_INPUTS.train)} or ${optMl.at(EVALUATION_INPUTS.test)}. Give the evaluation the photos of the training's channels.`,
    );
  }
  return { photos, missing: test.length - photos.length };
};
