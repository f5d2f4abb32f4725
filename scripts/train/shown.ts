import { pluralize } from '../../model/shared/text.ts';
import type { RunOptions } from '../../model/training/run-options.ts';
import { duration, print, showProgress } from '../shared/cli.ts';

/** `97.3 %` */
export const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;

/** Shows how the training goes. */
export const shown = (): RunOptions => {
  // Of this run's own epochs: computing features comes before the first, and those of a checkpoint are done.
  const took: number[] = [];
  return {
    onStep: (done, total) => showProgress(`  step ${done} of ${total}`),
    onResume: ({ history, step }) =>
      print(
        `Going on from a checkpoint, after ${pluralize(history.length, 'epoch')} and ${pluralize(step, 'step')}.`,
      ),
    onEpoch: ({ epoch, epochs, trainingLoss, trainingAccuracy, validation, seconds }) => {
      took.push(seconds);
      const mean = took.reduce((sum, each) => sum + each, 0) / took.length;
      const left = duration(mean * (epochs - epoch));
      const watched = validation
        ? `, validation loss ${validation.loss.toFixed(3)} accuracy ${percent(validation.accuracy)}`
        : '';
      print(
        `Epoch ${epoch} of ${epochs}: loss ${trainingLoss.toFixed(3)} accuracy ${percent(trainingAccuracy)}${watched} (${duration(seconds)}, ${left} left)`,
      );
    },
  };
};
