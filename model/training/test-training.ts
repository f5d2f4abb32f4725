import assert from 'node:assert/strict';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { AbortedError } from '../shared/abort.ts';
import { CheckpointStore, type EpochResult } from './checkpoint.ts';
import type { TrainingRunOptions } from './loop.ts';

export const weightValues = (network: LayersModel): number[][] =>
  network.getWeights().map((weight) => [...weight.dataSync()]);

/** A history without times, for comparison with another run. */
export const untimed = (history: readonly EpochResult[]): EpochResult[] =>
  history.map((result) => ({ ...result, seconds: 0 }));

/** A store of checkpoints that records its warnings. */
export const watchedCheckpoints = (directory: string) => {
  const warnings: string[] = [];
  return {
    checkpoints: new CheckpointStore(directory, { onWarning: (text) => warnings.push(text) }),
    warnings,
  };
};

/** Trains to the end, with interruptions after the given numbers of steps. */
export const runWithStops = async <T extends object>(
  directory: string,
  stops: readonly number[],
  train: (options: TrainingRunOptions) => Promise<T>,
) => {
  const resumed: number[] = [];
  const warnings: string[] = [];
  const start = (options: TrainingRunOptions = {}) =>
    train({
      checkpoints: new CheckpointStore(directory, { onWarning: (text) => warnings.push(text) }),
      onResume: ({ steps }) => resumed.push(steps),
      ...options,
    });
  for (const stop of stops) {
    const controller = new AbortController();
    let taken = 0;
    const onStep = () => {
      taken += 1;
      if (taken >= stop) controller.abort();
    };
    await assert.rejects(start({ onStep, signal: controller.signal }), AbortedError);
  }
  return { ...(await start()), resumed, warnings };
};
