import sharp from 'sharp';
import { type Description, LANGUAGES, type Language } from '../../model/contract/catalogue.ts';
import {
  MAX_PHOTO_BYTES,
  MAX_PHOTO_PIXELS,
  MIN_PHOTO_SIDE,
  PHOTO_MEDIA_TYPES,
} from '../../model/photo/format.ts';
import {
  type Answer,
  type ClassificationItem,
  type Classifications,
  MAX_PHOTOS,
  MAX_PHOTOS_BODY_BYTES,
  type Model,
  UNKNOWN_NO,
} from '../contract.ts';
import { ProblemError, problemBody } from '../http/problem.ts';
import type { Classification } from './classifier.ts';
import type { Classified, Outcome } from './photo-classifier.ts';

type Names = Readonly<Record<Language, string>>;

/** Nobody reads a longer list. */
const MOST_NAMES = 6;

const listNames = (flowers: readonly Names[], language: Language, more: string): string => {
  const names = flowers.slice(0, MOST_NAMES).map((flower) => flower[language]);
  const rest = flowers.length - names.length;
  return rest > 0 ? `${names.join(', ')} ${more.replace('{rest}', String(rest))}` : names.join(', ');
};

/** Without a title of its own, a model is about flowers. */
const FLOWERS = { none: 'None of my flowers', any: 'any flower', one: 'one flower', ko: '꽃' };
const THINGS = { none: 'Nothing that I know', any: 'anything', one: 'one of them', ko: '것' };

/**
 * The default name and description for a photo that shows none of the classes.
 *
 * @param classes names of what the model knows
 * @param known what these are called
 * @example
 * describeUnknown([{ en: 'Rose', ko: '장미' }]).ko.name; // => '아는 꽃이 아니에요'
 */
export const describeUnknown = (classes: readonly Names[], known = FLOWERS): Description => ({
  en: {
    name: known.none,
    description: `This does not look like ${known.any} I know: ${listNames(classes, 'en', 'and {rest} more')}. Try another photo with ${known.one} in the centre, close up and in daylight.`,
  },
  ko: {
    name: `아는 ${known.ko}이 아니에요`,
    description: `제가 아는 ${known.ko}(${listNames(classes, 'ko', '외 {rest}가지')})으로 보이지 않습니다. ${known.ko} 하나를 가운데에 두고 밝은 곳에서 가까이 찍은 다른 사진으로 다시 시도해 보세요.`,
  },
});

type Prediction = Answer['result']['predictions'][number];

/** Sorts the classes, which come in the model's order, by probability. */
const rank = (classes: Classification['classes'], language: Language): Prediction[] =>
  classes
    .map(({ label, probability: acc, names }, no) => ({ no, label, name: names[language], names, acc }))
    .sort((a, b) => b.acc - a.acc);

export interface AnswerOptions {
  readonly classification: Classification;
  /** Language of `name` and `description`; `translations` always has both. */
  readonly language: Language;
}

/**
 * Adds the model's name and description to the most probable class, or says that the photo shows none of the classes.
 *
 * @example
 * const classes = [{ label: 'rose', probability: 1, names: { en: 'Rose', ko: '장미' } }];
 * const words = { description: { en: 'It has thorns.', ko: '가시가 있습니다.' }, model: {} };
 * const classification = { classes, words, modelVersion: '7', known: true };
 * buildAnswer({ classification, language: 'ko' }).result.name; // => '장미'
 */
export const buildAnswer = ({ classification, language }: AnswerOptions): Answer => {
  const { classes, modelVersion, known, words } = classification;
  const predictions = rank(classes, language);
  const [best] = predictions;
  if (best === undefined) throw new Error('A classification has at least one class.');
  const ranked = { predictions, model: { version: modelVersion } };
  if (known) {
    const { en, ko } = words.description;
    const translations = {
      en: { name: best.names.en, description: en },
      ko: { name: best.names.ko, description: ko },
    };
    return {
      result: { ...best, known, description: translations[language].description, translations, ...ranked },
    };
  }
  const inModelOrder = predictions.toSorted((a, b) => a.no - b.no).map(({ names }) => names);
  const translations = words.model.unknown ?? describeUnknown(inModelOrder, words.model.title && THINGS);
  return {
    result: {
      no: UNKNOWN_NO,
      label: 'unknown',
      acc: 0,
      known,
      name: translations[language].name,
      names: { en: translations.en.name, ko: translations.ko.name },
      description: translations[language].description,
      translations,
      ...ranked,
    },
  };
};

export interface ClassificationsOptions extends Classified {
  readonly language: Language;
  readonly requestId: string;
  /** Predictions per photo, at most. */
  readonly top: number;
  readonly map: 'true' | 'false';
}

/**
 * The answer for several photos, each with a result or a problem.
 *
 * @throws anything but a photo's ProblemError: a bug, or {@link ClientDisconnected}
 */
export const buildClassifications = async ({
  outcomes,
  timings,
  language,
  requestId,
  top,
  map,
}: ClassificationsOptions): Promise<Classifications> => {
  const toItem = async (outcome: Outcome, index: number): Promise<ClassificationItem> => {
    if ('error' in outcome) {
      if (!(outcome.error instanceof ProblemError)) throw outcome.error;
      return { index, problem: problemBody(outcome.error, { language, requestId }) };
    }
    const { classification, file } = outcome;
    const { autoOrient: photo } = await sharp(file).metadata();
    const { result } = buildAnswer({ classification, language });
    const item = { index, photo, result: { ...result, predictions: result.predictions.slice(0, top) } };
    return map === 'true' && classification.map ? { ...item, map: classification.map } : item;
  };
  const results = await Promise.all(outcomes.map(toItem));
  const model = results.flatMap((item) => ('result' in item ? [item.result.model] : [])).at(-1);
  return { results, ...(model && { model }), timings };
};

/** The answer to `GET /v1/model`, from any classification: each carries what the model says about itself. */
export const buildModel = ({ classes, modelVersion, words }: Classification): Model => {
  const { title, hint, accuracy } = words.model;
  return {
    version: modelVersion,
    ...(title && { title }),
    ...(hint && { hint }),
    ...(accuracy && { accuracy }),
    classes: classes.map(({ label, names }, no) => ({ no, label, names })),
    languages: [...LANGUAGES],
    limits: {
      photosPerRequest: MAX_PHOTOS,
      requestBytes: MAX_PHOTOS_BODY_BYTES,
      photoBytes: MAX_PHOTO_BYTES,
      photoPixels: MAX_PHOTO_PIXELS,
      photoMinSide: MIN_PHOTO_SIDE,
      photoMediaTypes: PHOTO_MEDIA_TYPES,
    },
  };
};
