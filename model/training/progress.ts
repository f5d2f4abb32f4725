import { z } from 'zod';

const scores = z.object({ loss: z.number(), accuracy: z.number() });

/** What an epoch came to, as a checkpoint keeps it. */
export const epochResultSchema = z.object({
  /** From 1. */
  epoch: z.int(),
  epochs: z.int(),
  /** Mean cross-entropy on the augmented photos, in nats; weighted where classes are. */
  trainingLoss: z.number(),
  /** Share of augmented photos whose heaviest target was named. */
  trainingAccuracy: z.number(),
  /** With the averaged weights, on photos that are not trained on; absent when there are none. */
  validation: scores.exactOptional(),
  seconds: z.number(),
});

export type EpochResult = Readonly<z.infer<typeof epochResultSchema>>;

/** How far a training is, apart from its tensors. */
export const progressSchema = z.object({
  /** Epochs that are over, with their results. */
  history: z.array(epochResultSchema),
  /** Steps of the epoch under way that were taken. */
  step: z.int(),
  /** Steps taken in all epochs. */
  steps: z.int(),
  /** Where the random numbers stood before the epoch's order was drawn, and where they stand. */
  ordered: z.int(),
  random: z.int(),
  /** Sums over the epoch's photos so far. */
  loss: z.number(),
  correct: z.int(),
  seconds: z.number(),
  /** The epoch, from 1, with the lowest validation loss; absent when nobody looks for it. */
  best: z.object({ epoch: z.int(), loss: z.number() }).exactOptional(),
});

export type Progress = Readonly<z.infer<typeof progressSchema>>;

/** @param random the source's first position */
export const beginning = (random: number): Progress => ({
  history: [],
  step: 0,
  steps: 0,
  ordered: random,
  random,
  loss: 0,
  correct: 0,
  seconds: 0,
});

/** After a step over `count` photos, whose mean loss it was. */
export const afterStep = (
  progress: Progress,
  step: {
    readonly loss: number;
    readonly correct: number;
    readonly count: number;
    readonly random: number;
    readonly seconds: number;
  },
): Progress => ({
  ...progress,
  step: progress.step + 1,
  steps: progress.steps + 1,
  random: step.random,
  loss: progress.loss + step.loss * step.count,
  correct: progress.correct + step.correct,
  seconds: progress.seconds + step.seconds,
});

/** After an epoch's end. */
export const afterEpoch = (progress: Progress, result: EpochResult, best: Progress['best']): Progress => ({
  ...beginning(progress.random),
  history: [...progress.history, result],
  steps: progress.steps,
  ...(best && { best }),
});
