import { z } from 'zod';

/** Languages in which flowers are named and described. */
export const LANGUAGES = ['en', 'ko'] as const;
export type Language = (typeof LANGUAGES)[number];

const description = z.object({ name: z.string(), description: z.string() });

const prediction = z.object({
  /** Index of the class in the model, from 0. */
  no: z.int().min(0),
  /** The class as the model calls it: the name of its folder of photos. */
  label: z.string(),
  /** The flower's name in the language asked for with `Accept-Language`, English by default. */
  name: z.string(),
  /** The same in every language. */
  names: z.object({ en: z.string(), ko: z.string() }),
  /** Probability, 0 to 1. */
  acc: z.number().min(0).max(1),
});

/** `no` of a photo that shows none of the flowers: an index that no list of flowers has. */
export const UNKNOWN_NO = -1;

/**
 * The answer to `POST /classify/image`. A photo of something else is answered too, with `known: false`, `no: -1`, a
 * `name` that says so and `acc: 0`; what the model would have guessed is in `predictions`. `no`, `name`, `acc` and `description` are the original API's; the rest is
 * added and may grow.
 */
export const answerSchema = z.object({
  result: prediction.extend({
    no: z.int().min(UNKNOWN_NO),
    /** Whether the photo looks like any of the flowers. Models that cannot tell say true. */
    known: z.boolean(),
    description: z.string(),
    /** Name and description in every language. */
    translations: z.object({ en: description, ko: description }),
    /** Every class, most probable first; the first is the result itself, when it is known. */
    predictions: z.array(prediction).min(1),
    model: z.object({ version: z.string() }),
  }),
});

export type Answer = z.infer<typeof answerSchema>;
