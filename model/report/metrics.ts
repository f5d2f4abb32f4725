import { z } from 'zod';

const share = z.number().min(0).max(1);

/** What is known of a trained model; kept beside it as `metrics.json`. */
export const metricsSchema = z.object({
  version: z.string(),
  labels: z.array(z.string()),
  data: z.object({
    /** Photos of each class, in the order of `labels`, by part of the split. */
    train: z.array(z.int()),
    validation: z.array(z.int()),
    test: z.array(z.int()),
    /** Files that were left out, with the reason. */
    skipped: z.array(z.object({ file: z.string(), reason: z.string() })),
    seed: z.int(),
  }),
  /** Of the exported SavedModel on the photos of `data.test`, which were never trained on. */
  test: z.object({
    accuracy: share,
    /** 95 % Wilson score interval. */
    interval: z.tuple([share, share]),
    correct: z.int(),
    count: z.int(),
    loss: z.number(),
    /** `confusion[truth][answer]` */
    confusion: z.array(z.array(z.int())),
  }),
  training: z.object({
    command: z.string(),
    backend: z.string(),
    parameters: z.int(),
    epochs: z.int(),
    seconds: z.number(),
    photosPerSecond: z.number(),
    /** The pretrained network that guided the training, if any. */
    teacher: z.string().nullable(),
  }),
  /** Size of saved_model.pb, in bytes. */
  bytes: z.int(),
  history: z.array(
    z.object({
      epoch: z.int(),
      trainingLoss: z.number(),
      trainingAccuracy: share,
      validation: z.object({ loss: z.number(), accuracy: share }).optional(),
    }),
  ),
});

export type Metrics = z.infer<typeof metricsSchema>;

/** Standard normal quantile of a two-sided 95 % interval. */
const Z = 1.959964;

/** Wilson's score interval of a share (Wilson 1927): honest for small counts and shares near 1. */
export const wilsonInterval = (correct: number, count: number): [number, number] => {
  const p = correct / count;
  const centre = p + Z ** 2 / (2 * count);
  const margin = Z * Math.sqrt((p * (1 - p)) / count + Z ** 2 / (4 * count ** 2));
  const scale = 1 + Z ** 2 / count;
  return [Math.max(0, (centre - margin) / scale), Math.min(1, (centre + margin) / scale)];
};
