/** Folders of the dataset bucket. */
export const FOLDERS = {
  /** Photos to train on: `flowers/<class>/*.jpg`. */
  photos: 'flowers',
  /** Holds only its placeholder: the default of inputs that are not given. */
  nothing: 'none',
  /** A pretrained network that trainings build on, if one was put beside the placeholder. */
  pretrained: 'pretrained',
  /** Trained models: `models/<training job>/output/model.tar.gz`. */
  models: 'models',
  /** What interrupted trainings resume from: one folder per execution. */
  checkpoints: 'checkpoints',
  /** Results of evaluations: one folder per execution. */
  reports: 'reports',
} as const;

type Folder = (typeof FOLDERS)[keyof typeof FOLDERS];

/** To read from. Ends in a slash: to S3 it is a prefix, and `flowers` would match `flowers-old/` too. */
export const inputPrefix = (bucket: string, folder: Folder) => `s3://${bucket}/${folder}/`;

/** To write to. Ends without a slash: SageMaker adds its own, and two of them make another key. */
export const outputPrefix = (bucket: string, folder: Folder) => `s3://${bucket}/${folder}`;

/** An object that says what its folder is for. */
interface PlaceholderObject {
  /** Of the folder, as a pipeline's parameter names it. */
  readonly prefix: string;
  readonly key: string;
  readonly content: string;
}

const NOTHING =
  'Nothing, on purpose: the SageMaker pipelines read this folder where an optional input is not given.\n';

const pretrained = (prefix: string) => `\
Put a pretrained TensorFlow.js model here, model.json and its weights, and trainings of the SageMaker pipelines learn
only a small head on it. This fetches Google's MobileNet and puts it here:

  node --import tsx scripts/fetch-backbone.ts --to ${prefix}

While it is missing, trainings start from random weights.
`;

/**
 * The objects of a bucket's folders that may hold nothing else. SageMaker has no optional inputs and refuses a prefix
 * without objects; the learning image finds neither photos nor a model there, and continues without.
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
