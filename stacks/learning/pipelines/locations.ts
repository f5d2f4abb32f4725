/** Folders of the dataset bucket. */
export const FOLDERS = {
  /** Photos to train on: `flowers/<class>/*.jpg`. */
  photos: 'flowers',
  /** Holds only its note: the default of inputs that are left out. */
  nothing: 'none',
  /** A pretrained network that trainings build on, if somebody has put one beside the note. */
  pretrained: 'pretrained',
  /** Trained models: `models/<training job>/output/model.tar.gz`. */
  models: 'models',
  /** What interrupted trainings go on from: one folder per execution. */
  checkpoints: 'checkpoints',
  /** What evaluations measured: one folder per execution. */
  reports: 'reports',
} as const;

type Folder = (typeof FOLDERS)[keyof typeof FOLDERS];

/** To read from. Ends in a slash: to S3 it is a prefix, and `flowers` would match `flowers-old/` too. */
export const source = (bucket: string, folder: Folder) => `s3://${bucket}/${folder}/`;

/** To write to. Ends in no slash: SageMaker adds its own, and two of them make another key. */
export const destination = (bucket: string, folder: Folder) => `s3://${bucket}/${folder}`;
