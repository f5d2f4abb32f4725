import { FOLDERS, source } from './locations.ts';

/** An object that says what a folder is for. */
export interface Note {
  /** Of the folder. */
  readonly prefix: string;
  readonly key: string;
  readonly content: string;
}

const FILE = 'README.txt';

const NOTHING =
  'Nothing, on purpose: the SageMaker pipelines read this folder where an optional input is not given.\n';

const pretrained = (prefix: string) => `\
Put a pretrained TensorFlow.js model here, model.json and its weights, and trainings of the SageMaker pipelines learn
only a small head on it. This fetches Google's MobileNet and puts it here:

  node --import tsx scripts/fetch-backbone.ts --to ${prefix}

While it is missing, trainings start from random weights.
`;

/**
 * The notes of the folders of a bucket that may hold nothing else. SageMaker has no optional inputs and refuses a
 * prefix without objects, so something must lie there; the learning image sees neither photos nor a model in it, and
 * goes on without.
 */
export const notesOf = (bucket: string) => {
  const note = (folder: 'nothing' | 'pretrained', content: (prefix: string) => string): Note => {
    const prefix = source(bucket, FOLDERS[folder]);
    return { prefix, key: `${FOLDERS[folder]}/${FILE}`, content: content(prefix) };
  };
  return { nothing: note('nothing', () => NOTHING), pretrained: note('pretrained', pretrained) };
};
