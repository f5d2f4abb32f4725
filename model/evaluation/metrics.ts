import { z } from 'zod';

const share = z.number().min(0).max(1);

/** How confidence and truth agree, on the test photos. */
const confidence = z.object({
  loss: z.number(),
  /** Expected calibration error over `bins`. */
  error: share,
  /** Bins of equally many photos, by rising confidence. */
  bins: z.array(z.object({ confidence: share, accuracy: share, count: z.int() })),
});

const kept = z.object({ kept: z.int(), count: z.int() });

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
    /** Weights of the whole network. */
    parameters: z.int(),
    /** How many of them were trained, where it is not all. */
    trainedParameters: z.int().optional(),
    /** Side of the square to which a photo is brought before the first convolution, in pixels. */
    side: z.int().default(112),
    epochs: z.int(),
    seconds: z.number(),
    photosPerSecond: z.number(),
    /** The pretrained network whose features the trained part sees, if any. */
    backbone: z.string().nullable().default(null),
    /** How many of its last blocks were trained too, where any were. */
    fineTuned: z.int().optional(),
    /** What a reader of the command must know besides. */
    note: z.string().optional(),
  }),
  /** Whether the highest-confidence errors are beside it as a picture, with the photos. */
  mistakes: z.boolean().optional(),
  /** Missing when there were too few held-out photos to calibrate by, and in models from before. */
  calibration: z
    .object({
      temperature: z.number().positive(),
      /** The version whose network was calibrated again. */
      network: z.string().optional(),
      /** Where it is not the default: see `DISTANCE_WEIGHTS`. */
      distanceWeight: z.number().optional(),
      /** Of the exported model on the test photos, without and with its calibration. */
      before: confidence,
      after: confidence,
      /** Photos of the classes that are not refused; the threshold was chosen on the validation photos. */
      validation: kept,
      test: kept.extend({ interval: z.tuple([share, share]) }),
      /** Pictures of other things, of which nothing was learned. */
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
