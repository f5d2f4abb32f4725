import { z } from 'zod';

const share = z.number().min(0).max(1);

/** Calibration of the confidence, on the test photos. */
const confidence = z.object({
  loss: z.number(),
  /** Expected calibration error over `bins`. */
  error: share,
  /** Bins with equal numbers of photos, by increasing confidence. */
  bins: z.array(z.object({ confidence: share, accuracy: share, count: z.int() })),
});

const kept = z.object({ kept: z.int(), count: z.int() });

/** Everything about a trained model, stored next to it as `metrics.json`. */
export const metricsSchema = z.object({
  version: z.string(),
  labels: z.array(z.string()),
  data: z.object({
    /** Number of photos of each class, in the order of `labels`, for each part of the split. */
    train: z.array(z.int()),
    validation: z.array(z.int()),
    test: z.array(z.int()),
    /** Files that were left out, with reasons. */
    skipped: z.array(z.object({ file: z.string(), reason: z.string() })),
    seed: z.int(),
  }),
  /** Results of the exported SavedModel on the test photos. */
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
    /** Number of parameters of the whole network. */
    parameters: z.int(),
    /** How many of them were trained, if not all. */
    trainedParameters: z.int().optional(),
    /** Side of the input of the first convolution, in pixels. */
    side: z.int().default(112),
    epochs: z.int(),
    seconds: z.number(),
    photosPerSecond: z.number(),
    /** The pretrained network that provides the features, if any. */
    backbone: z.string().nullable().default(null),
    /** How many of its last blocks were also trained, if any. */
    fineTuned: z.int().optional(),
    /** What else is needed to reproduce the training. */
    note: z.string().optional(),
  }),
  /** Whether there is a contact sheet of the highest-confidence errors next to it. */
  mistakes: z.boolean().optional(),
  /** Absent if there were too few held-out photos for calibration, and in older models. */
  calibration: z
    .object({
      temperature: z.number().positive(),
      /** The version whose network was recalibrated. */
      network: z.string().optional(),
      /** The weight of the distance, if not the default: see `DISTANCE_WEIGHTS`. */
      distanceWeight: z.number().optional(),
      /** Results of the exported model on the test photos, before and after calibration. */
      before: confidence,
      after: confidence,
      /** Photos of the classes that are not rejected; the threshold was chosen on the validation photos. */
      validation: kept,
      test: kept.extend({ interval: z.tuple([share, share]) }),
      /** Pictures of other things, none of which were used for training. */
      unknown: z.array(
        z.object({
          kind: z.string(),
          source: z.enum(['drawn', 'photos']),
          count: z.int(),
          refused: z.int(),
          /** Area under the ROC curve against the test photos. */
          area: share,
        }),
      ),
    })
    .optional(),
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

export type ModelMetrics = z.infer<typeof metricsSchema>;
