import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Example } from './dataset.ts';
import type { EpochResult } from './progress.ts';
import { runTraining } from './run-training.ts';
import { balancedWeights, settingsOf, type TrainOptions } from './train-options.ts';
import { Trainer } from './trainer.ts';

export type { EpochResult } from './progress.ts';
export { Stopped } from './stop.ts';
export type { TrainOptions } from './train-options.ts';

/**
 * Trains a whole network in place; it ends with the averaged weights. How it goes, and goes on: see `runTraining`.
 *
 * @param classes width of the network's output
 * @param validation photos that are not trained on, to watch; may be none
 * @throws Stopped when its signal is aborted
 * @throws Error when the loss is no longer a number
 */
export const train = async (
  network: LayersModel,
  classes: number,
  examples: readonly Example[],
  validation: readonly Example[],
  options: TrainOptions = {},
): Promise<readonly EpochResult[]> => {
  const settings = settingsOf(options);
  const { firstSide, weightDecay, labelSmoothing, averaging, teacherWeight } = settings;
  const labels = examples.map(({ label }) => label);
  const learner = new Trainer(
    network,
    classes,
    { validation, firstSide },
    {
      ...{ weightDecay, labelSmoothing, averaging, teacherWeight },
      classWeights: settings.balanced ? balancedWeights(classes, labels) : undefined,
      teacher: options.teacher,
    },
  );
  return runTraining({ learner, items: examples, settings, options, network, examples, validation });
};
