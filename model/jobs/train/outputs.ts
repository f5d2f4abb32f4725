import { PHOTOS_FILE, TRAINING_PATHS } from '../../contract/learning-jobs.ts';
import { MODEL_NAME } from '../../contract/tensors.ts';
import { confusionMatrix } from '../../report/confusion-matrix.ts';
import type { Metrics } from '../../report/metrics.ts';
import { modelCard } from '../../report/model-card.ts';
import { trainingCurves } from '../../report/training-curves.ts';
import { emptyFolder, jsonText, writeFiles } from '../files.ts';
import { NETWORK_FILE } from '../network-file.ts';
import type { OptMl } from '../opt-ml.ts';
import { photosFileText, type SeenPhotos } from '../photos-file.ts';

export interface Outputs {
  readonly metrics: Metrics;
  readonly savedModel: Uint8Array;
  /** What another training goes on from; absent: none can. */
  readonly network?: Uint8Array | undefined;
  readonly seen: SeenPhotos;
  /** How the job went, as JSON. */
  readonly job: unknown;
}

/**
 * Writes what becomes model.tar.gz, and what becomes output.tar.gz. TensorFlow Serving looks for `saved_model.pb` in
 * folders of digits and passes over the rest.
 */
export const writeOutputs = async (optMl: OptMl, outputs: Outputs): Promise<void> => {
  const { metrics, savedModel } = outputs;
  const [model, output] = [optMl.at(TRAINING_PATHS.model), optMl.at(TRAINING_PATHS.output)];
  await writeFiles(output, {
    'metrics.json': jsonText(metrics),
    'MODEL_CARD.md': modelCard(metrics),
    'confusion-matrix.svg': confusionMatrix(metrics.labels, metrics.test.confusion),
    'training-curves.svg': trainingCurves(metrics.history),
    'job.json': jsonText(outputs.job),
  });
  await emptyFolder(model);
  await writeFiles(model, {
    [PHOTOS_FILE]: photosFileText(outputs.seen),
    ...(outputs.network && { [NETWORK_FILE]: outputs.network }),
    [`${MODEL_NAME}/${metrics.version}/saved_model.pb`]: savedModel,
  });
};
