import { z } from 'zod';
import { namesSchema, wordsSchema } from './catalogue.ts';

/**
 * The contract between training, the exported SavedModel and the callers of the endpoint.
 *
 * The signature is `serving_default`; its only input is a batch of photos, each a byte string of raw RGB. Every output
 * has the batch as its first dimension, as TensorFlow Serving's row format requires.
 */

/** Side of the model's square input, in pixels. */
export const PHOTO_SIDE = 224;

/** Red, green, blue. */
export const PHOTO_CHANNELS = 3;

/** Size of one photo in bytes: 224 x 224 pixels x 3 channels, row-major, uint8, sRGB. */
export const PHOTO_BYTES = PHOTO_SIDE * PHOTO_SIDE * PHOTO_CHANNELS;

/** Pixel values 0 to 255 become -1 to 1: `value * PIXEL_SCALE + PIXEL_OFFSET`, in training and in the graph. */
export const PIXEL_SCALE = 1 / 127.5;
export const PIXEL_OFFSET = -1;

/** SavedModel signature and tag that TensorFlow Serving loads by default. */
export const SIGNATURE_NAME = 'serving_default';
export const SERVE_TAG = 'serve';
export const PREDICT_METHOD = 'tensorflow/serving/predict';

/** Input: string `[N]`, each `PHOTO_BYTES` long. */
export const INPUT_NAME = 'photo';

export const OUTPUT_NAMES = {
  /** float32 `[N, C]`, each row sums to 1. */
  probabilities: 'probabilities',
  /** string `[N]`: the class with the highest probability. */
  label: 'label',
  /** string `[N, C]`: the class of each column of `probabilities`; the same in every row. */
  classes: 'classes',
  /** string `[N]`: the version of the model that answered; the same in every row. */
  modelVersion: 'model_version',
  /** float32 `[N]`: at least 0 if the photo seems to show one of the classes, else below 0. Older models lack it. */
  knownScore: 'known_score',
  /**
   * float32 `[N, H, W]`: evidence for the most probable class in each part of the photo, in a grid from the top left,
   * scaled so that the maximum is 1. Only in models that classify their last feature map linearly.
   */
  evidence: 'evidence',
  /** string `[N, C]`: the names of each class, as JSON by language; the same in every row. */
  names: 'names',
  /** string `[N]`: the description of the most probable class, and what the model says about itself, as JSON. */
  words: 'words',
} as const;

/** Rounding of float32 in a probability. */
const PROBABILITY_TOLERANCE = 1e-3;

/** JSON in a string of the graph. */
const jsonOf = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((json): unknown => JSON.parse(json))
    .pipe(schema);

/** The model's answer for one photo in TensorFlow Serving's row format, without the redundant `label`. */
export const predictionSchema = z
  .object({
    [OUTPUT_NAMES.probabilities]: z.array(
      z
        .number()
        .min(0)
        .max(1 + PROBABILITY_TOLERANCE),
    ),
    [OUTPUT_NAMES.classes]: z.array(z.string().min(1)).min(1),
    [OUTPUT_NAMES.modelVersion]: z.string().min(1),
    [OUTPUT_NAMES.knownScore]: z.number().default(0),
    [OUTPUT_NAMES.evidence]: z
      .array(
        z.array(
          z
            .number()
            .min(0)
            .max(1 + PROBABILITY_TOLERANCE),
        ),
      )
      .optional(),
    // Older models lack these outputs.
    [OUTPUT_NAMES.names]: z.array(jsonOf(namesSchema)).optional(),
    [OUTPUT_NAMES.words]: jsonOf(wordsSchema).optional(),
  })
  .check(({ value: { probabilities, classes }, issues }) => {
    if (probabilities.length === classes.length) return;
    const message = `it gives ${probabilities.length} probabilities for ${classes.length} classes`;
    issues.push({ code: 'custom', message, input: probabilities });
  });

/** Name under which the model is packed and served: `<MODEL_NAME>/<version>/saved_model.pb`. */
export const MODEL_NAME = 'image-classifier';

/** Share of the validation photos that may be rejected. The price of rejecting a flower is that its user takes another photo. */
export const REFUSED_SHARE = 0.04;
