/** Folders of the dataset bucket. */
export const FOLDERS = {
  /** Photos to train on: `flowers/<class>/*.jpg`. */
  photos: 'flowers',
  /** Holds only {@link NOTHING_NOTE}: the default of every input that is optional. */
  nothing: 'none',
  /** Trained models: `models/<training job>/output/model.tar.gz`. */
  models: 'models',
  /** What interrupted trainings go on from: one folder per execution. */
  checkpoints: 'checkpoints',
  /** What evaluations measured: one folder per execution. */
  reports: 'reports',
} as const;

type Folder = (typeof FOLDERS)[keyof typeof FOLDERS];

/**
 * The one object of {@link FOLDERS.nothing}. SageMaker has no optional inputs and refuses a prefix without objects,
 * so something must lie there; the learning image sees neither photos nor a model in it, and goes on without.
 */
export const NOTHING_NOTE = {
  key: `${FOLDERS.nothing}/README.txt`,
  content:
    'Nothing, on purpose: the SageMaker pipelines read this folder where an optional input is not given.\n',
} as const;

/** To read from. Ends in a slash: to S3 it is a prefix, and `flowers` would match `flowers-old/` too. */
export const source = (bucket: string, folder: Folder) => `s3://${bucket}/${folder}/`;

/** To write to. Ends in no slash: SageMaker adds its own, and two of them make another key. */
export const destination = (bucket: string, folder: Folder) => `s3://${bucket}/${folder}`;
