import { PHOTOS_FILE, TRAINING_PATHS } from '../../contract/sagemaker-jobs.ts';
import { MODEL_NAME } from '../../contract/tensors.ts';
import type { Learned } from '../../learn/learn.ts';
import { reportFiles } from '../../report/files.ts';
import { emptyFolder, jsonText, writeFiles } from '../files.ts';
import { NETWORK_FILE } from '../network-file.ts';
import type { OptMl } from '../opt-ml.ts';
import { photosFileText, type SeenPhotos } from '../photos-file.ts';

export interface Outputs {
  readonly learned: Learned;
  /** What another training goes on from. */
  readonly network: Uint8Array;
  readonly seen: SeenPhotos;
  /** How the job went, as JSON. */
  readonly job: unknown;
}

/**
 * Writes what becomes model.tar.gz, and what becomes output.tar.gz. TensorFlow Serving looks for `saved_model.pb` in
 * folders of digits and passes over the rest.
 */
export const writeOutputs = async (optMl: OptMl, outputs: Outputs): Promise<void> => {
  const { savedModel, ...report } = outputs.learned;
  const [model, output] = [optMl.at(TRAINING_PATHS.model), optMl.at(TRAINING_PATHS.output)];
  await writeFiles(output, { ...(await reportFiles(report)), 'job.json': jsonText(outputs.job) });
  await emptyFolder(model);
  await writeFiles(model, {
    [PHOTOS_FILE]: photosFileText(outputs.seen),
    [NETWORK_FILE]: outputs.network,
    [`${MODEL_NAME}/${report.metrics.version}/saved_model.pb`]: savedModel,
  });
};
