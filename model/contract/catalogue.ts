import { z } from 'zod';
import flowers from './flowers.json' with { type: 'json' };

/** A model's catalogue: names and descriptions of its classes, stored in the SavedModel and part of every answer. */

/** Languages in which classes are named and described. */
export const LANGUAGES = ['en', 'ko'] as const;
export type Language = (typeof LANGUAGES)[number];

/** Text in at least one language, which also stands in for the other. */
const inLanguages = <Text extends z.ZodType>(text: Text) =>
  z.strictObject({ en: text.optional(), ko: text.optional() }).transform(({ en, ko }, context) => {
    const any = en ?? ko;
    if (any !== undefined) return { en: en ?? any, ko: ko ?? any };
    context.issues.push({ code: 'custom', message: `needs ${LANGUAGES.join(' or ')}`, input: en });
    return z.NEVER;
  });

const text = z.string().trim().min(1);
const nameAndDescription = inLanguages(z.strictObject({ name: text, description: text }));
export type Description = z.output<typeof nameAndDescription>;

/** Texts about the model as a whole; each has a default that speaks of flowers. */
const aboutModel = z.strictObject({
  /** The heading of the page. */
  title: inLanguages(text).optional(),
  /** What to photograph, and how. */
  hint: inLanguages(text).optional(),
  /** The answer to a photo that shows none of the classes. */
  unknown: nameAndDescription.optional(),
});

const catalogueSchema = z.strictObject({
  model: aboutModel.default({}),
  /** Keyed by the name of the class's folder. */
  classes: z.record(z.string(), nameAndDescription),
});
export type Catalogue = z.output<typeof catalogueSchema>;

/** A catalogue in a folder of photos, next to the folders of its classes. */
export const CATALOGUE_FILE = 'catalogue.json';

/**
 * Reads a catalogue.
 *
 * @param file its name, for messages
 * @throws Error that names what is wrong, and where
 */
export const parseCatalogue = (json: string, file: string): Catalogue => {
  const invalid = (reason: string) =>
    new Error(`The catalogue ${file} cannot be used: ${reason}. Correct it, or remove it.`);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw invalid('it is not valid JSON');
  }
  const { data, error } = catalogueSchema.safeParse(value);
  if (data) return data;
  throw invalid(error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`).join('; '));
};

/** The flowers that the project's own model knows, in its order. */
export const FLOWERS: Catalogue = catalogueSchema.parse(flowers);

/** `black_eyed_susan` becomes `Black eyed susan`. */
const readableName = (label: string): string => {
  const words = label.replace(/[_-]+/g, ' ').trim();
  return words === '' ? label : words.charAt(0).toUpperCase() + words.slice(1);
};

/**
 * Name and description of a class: from the catalogue, from the flowers' catalogue, or derived from the label.
 *
 * @param label the class as the model calls it: its folder of photos
 * @example
 * describeLabel('common_daisy').ko.name; // => '데이지'
 * describeLabel('snow-drop').en.name; // => 'Snow drop'
 */
export const describeLabel = (label: string, catalogue: Catalogue = FLOWERS): Description => {
  const known = catalogue.classes[label] ?? FLOWERS.classes[label.toLowerCase()];
  if (known) return known;
  const name = readableName(label);
  return {
    en: { name, description: `No description of ${name} has been written yet.` },
    ko: { name, description: `${name}에 대한 설명은 아직 준비되지 않았습니다.` },
  };
};

const pair = z.object({ en: z.string(), ko: z.string() });

/** The graph's output for each class. */
export const namesSchema = pair;

const share = z.number().min(0).max(1);
/** Accuracy on photos that the model was not trained on. */
export const accuracySchema = z.object({
  value: share.describe('Share of the test photos that were classified correctly, 0 to 1'),
  interval: z.tuple([share, share]).describe('95 % Wilson score interval'),
  photos: z.int().min(1).describe('How many photos that was measured on'),
});
export type Accuracy = z.output<typeof accuracySchema>;

/** The graph's output about the most probable class and about the model. */
export const wordsSchema = z.object({
  description: pair,
  // Not strict: a newer model may say more than this knows.
  model: z.object({ ...aboutModel.shape, accuracy: accuracySchema.optional() }),
});
export type Words = z.output<typeof wordsSchema>;

/** What a model answers with each class. */
export const labelNames = (label: string, catalogue?: Catalogue): z.output<typeof namesSchema> => {
  const { en, ko } = describeLabel(label, catalogue);
  return { en: en.name, ko: ko.name };
};

/** What a model answers with its most probable class. */
export const labelWords = (label: string, catalogue?: Catalogue, accuracy?: Accuracy): Words => {
  const { en, ko } = describeLabel(label, catalogue);
  return {
    description: { en: en.description, ko: ko.description },
    model: { ...catalogue?.model, ...(accuracy && { accuracy }) },
  };
};
