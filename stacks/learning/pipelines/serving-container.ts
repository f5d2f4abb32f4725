import { MODEL_NAME } from '../../../model/contract/tensors.ts';
import type { PipelineSettings } from './settings.ts';
import { TRAINED_MODEL } from './train-step.ts';

/** TensorFlow Serving with the model just trained; the same for the model that runs and for the one on record. */
export const servingContainer = ({ servingImage, servingEnvironment }: PipelineSettings) => ({
  Image: servingImage,
  ModelDataUrl: TRAINED_MODEL,
  // The archive's folder is ours, so its name is not left to the settings.
  Environment: { ...servingEnvironment, SAGEMAKER_TFS_DEFAULT_MODEL_NAME: MODEL_NAME },
});
