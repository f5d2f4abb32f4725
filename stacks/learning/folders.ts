/** Folders of the dataset bucket. */
export const FOLDERS = {
  /** Training photos: `flowers/<class>/*.jpg`. */
  photos: 'flowers',
  /** Contains only a placeholder: the default of optional inputs. */
  nothing: 'none',
  /** A pretrained network for trainings, if one was put next to the placeholder. */
  pretrained: 'pretrained',
  /** Trained models: `models/<training job>/output/model.tar.gz`. */
  models: 'models',
  /** What interrupted trainings resume from: one folder per execution. */
  checkpoints: 'checkpoints',
  /** Results of evaluations: one folder per execution. */
  reports: 'reports',
} as const;

type Folder = (typeof FOLDERS)[keyof typeof FOLDERS];

/** A prefix to read from. Ends with a slash, because `flowers` would match `flowers-old/` too. */
export const inputPrefix = (bucket: string, folder: Folder) => `s3://${bucket}/${folder}/`;

/** A prefix to write to. Ends without a slash, because SageMaker adds one, and a second one would change the key. */
export const outputPrefix = (bucket: string, folder: Folder) => `s3://${bucket}/${folder}`;

interface PlaceholderObject {
  /** The folder's prefix, as in a pipeline's parameters. */
  readonly prefix: string;
  readonly key: string;
  readonly content: string;
}

const NOTHING =
  'Nothing, on purpose: the SageMaker pipelines read this folder where an optional input is not given.\n';

const pretrained = (prefix: string) => `\
Put a pretrained TensorFlow.js model here, model.json and its weights, and trainings of the SageMaker pipelines learn
only a small head on it. This fetches Google's MobileNet and puts it here:

  node --import tsx scripts/fetch-backbone.ts && aws s3 cp --recursive build/mobilenet ${prefix}

While it is missing, trainings start from random weights.
`;

/**
 * Placeholders in the folders that may otherwise be empty. SageMaker has no optional inputs and refuses an empty
 * prefix; the learning image ignores a folder that contains neither photos nor a model.
 */
export const placeholderObjects = (bucket: string) => {
  const placeholder = (folder: Folder, content: (prefix: string) => string): PlaceholderObject => {
    const prefix = inputPrefix(bucket, folder);
    return { prefix, key: `${folder}/README.txt`, content: content(prefix) };
  };
  return {
    nothing: placeholder(FOLDERS.nothing, () => NOTHING),
    pretrained: placeholder(FOLDERS.pretrained, pretrained),
  };
};
