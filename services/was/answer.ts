import type { Description, Language } from '../../model/contract/catalogue.ts';
import { type Answer, UNKNOWN_NO } from '../contract.ts';
import type { Classification } from './classifier.ts';

type Names = Readonly<Record<Language, string>>;

/** More names than these would not be read. */
const MOST_NAMES = 6;

const listNames = (flowers: readonly Names[], language: Language, more: string): string => {
  const names = flowers.slice(0, MOST_NAMES).map((flower) => flower[language]);
  const rest = flowers.length - names.length;
  return rest > 0 ? `${names.join(', ')} ${more.replace('{rest}', String(rest))}` : names.join(', ');
};

/**
 * Name and description of a photo that shows none of the flowers.
 *
 * @param flowers names of those that the model knows
 * @example
 * describeUnknown([{ en: 'Rose', ko: '장미' }]).ko.name; // => '아는 꽃이 아니에요'
 */
export const describeUnknown = (flowers: readonly Names[]): Description => ({
  en: {
    name: 'None of my flowers',
    description: `This does not look like any flower I know: ${listNames(flowers, 'en', 'and {rest} more')}. Try another photo with one flower in the centre, close up and in daylight.`,
  },
  ko: {
    name: '아는 꽃이 아니에요',
    description: `제가 아는 꽃(${listNames(flowers, 'ko', '외 {rest}가지')})으로 보이지 않습니다. 꽃 하나를 가운데에 두고 밝은 곳에서 가까이 찍은 다른 사진으로 다시 시도해 보세요.`,
  },
});

type Prediction = Answer['result']['predictions'][number];

/** Ranks the classes; their own order is that of the model. */
const rank = (classes: Classification['classes'], language: Language): Prediction[] =>
  classes
    .map(({ label, probability: acc, names }, no) => ({ no, label, name: names[language], names, acc }))
    .sort((a, b) => b.acc - a.acc);

export interface AnswerOptions {
  readonly classification: Classification;
  /** Of `name` and `description`; the answer has both languages besides. */
  readonly language: Language;
}

/**
 * Adds the words that came with the model to the first class, or says that the photo shows none of them.
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
  const translations = words.model.unknown ?? describeUnknown(inModelOrder);
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
