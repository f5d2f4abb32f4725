import type { LayersModel } from '@tensorflow/tfjs-layers';
import { learningRateAt } from '../training/optimizer.ts';
import type { EpochResult } from '../training/progress.ts';
import { stopIfAborted } from '../training/stop.ts';
import type { Values } from '../training/tensor-file.ts';
import { balancedWeights } from '../training/train-options.ts';
import { setWeightValues } from '../training/weights.ts';
import { evaluateHead, type LabelledFeatures } from './evaluate-head.ts';
import { HeadTraining } from './head-training.ts';

export interface TrainHeadOptions {
  /** Times that every photo is seen, unless it ends early. @default 60 */
  readonly epochs?: number | undefined;
  /** Photos per step. @default 64 */
  readonly batchSize?: number | undefined;
  /** Highest learning rate of the schedule. @default 0.003 */
  readonly learningRate?: number | undefined;
  /** Decoupled weight decay. @default 1 */
  readonly weightDecay?: number | undefined;
  /** Probability spread over all classes. @default 0.05 */
  readonly labelSmoothing?: number | undefined;
  /** Share of the averaged weights kept at each step. @default 0.99 */
  readonly averaging?: number | undefined;
  /** Count a photo of a rare class for more, so that all classes weigh the same. @default true */
  readonly balanced?: boolean | undefined;
  /** Epochs without a lower validation loss after which the training ends. @default 20 */
  readonly patience?: number | undefined;
  /** Seed of the order and of which view is taken. @default 1 */
  readonly seed?: number | undefined;
  readonly onEpoch?: ((epoch: EpochResult) => void) | undefined;
  /** Aborted, it ends the training within an epoch. */
  readonly signal?: AbortSignal | undefined;
}

const settingsOf = (options: TrainHeadOptions) => ({
  epochs: options.epochs ?? 60,
  batchSize: options.batchSize ?? 64,
  learningRate: options.learningRate ?? 0.003,
  patience: options.patience ?? 20,
});

/**
 * Trains a head in place, on features that stay as they are. It ends with its averaged weights: with those of the epoch
 * of the lowest validation loss, or with the last ones when there is nothing to validate with.
 *
 * @param classes width of the head's output
 * @param validation photos that are not trained on
 * @throws Error when the loss is no longer a number
 * @throws Stopped when the signal is aborted
 */
export const trainHead = async (
  head: LayersModel,
  classes: number,
  train: LabelledFeatures,
  validation: LabelledFeatures | undefined,
  options: TrainHeadOptions = {},
): Promise<readonly EpochResult[]> => {
  const { epochs, batchSize, learningRate, patience } = settingsOf(options);
  const training = new HeadTraining(head, classes, train, {
    weightDecay: options.weightDecay ?? 1,
    labelSmoothing: options.labelSmoothing ?? 0.05,
    averaging: options.averaging ?? 0.99,
    classWeights: (options.balanced ?? true) ? balancedWeights(classes, train.labels) : undefined,
    seed: options.seed ?? 1,
  });
  const steps = Math.ceil(train.labels.length / batchSize);
  const history: EpochResult[] = [];
  let best: { readonly epoch: number; readonly loss: number; readonly weights: Values } | undefined;
  const isOver = () => history.length >= epochs || (best && history.length - best.epoch >= patience);
  try {
    while (!isOver()) {
      const started = performance.now();
      const done = history.length;
      await stopIfAborted(options.signal, `in epoch ${done + 1}`);
      const { loss, accuracy } = await training.epoch({
        batchSize,
        learningRate: (step) => learningRateAt((done * steps + step) / (epochs * steps), learningRate),
      });
      if (!Number.isFinite(loss)) {
        throw new Error(
          `The training diverged in epoch ${done + 1}: its loss is ${loss}. Lower the learning rate.`,
        );
      }
      const watched =
        validation && (await training.withAveragedWeights(() => evaluateHead(head, validation)));
      if (watched && watched.loss < (best?.loss ?? Infinity)) {
        best = { epoch: done + 1, loss: watched.loss, weights: await training.averagedWeights() };
      }
      const result: EpochResult = {
        epoch: done + 1,
        epochs,
        trainingLoss: loss,
        trainingAccuracy: accuracy,
        ...(watched && { validation: watched }),
        seconds: (performance.now() - started) / 1000,
      };
      history.push(result);
      options.onEpoch?.(result);
    }
    training.finish();
    if (best) setWeightValues(head, best.weights);
    return history;
  } finally {
    training.dispose();
  }
};
