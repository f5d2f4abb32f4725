import { type Answer, type Language, UNKNOWN_NO } from '../contract/answer.ts';
import { describeFlower } from './catalogue.ts';
import type { Classification } from './classifier.ts';
import { describeUnknown } from './unknown.ts';

type Prediction = Answer['result']['predictions'][number];

/** Ranks the classes; their own order is that of the model. */
const rank = (classes: Classification['classes'], language: Language): Prediction[] =>
  classes
    .map(({ label, probability: acc }, no) => {
      const { en, ko } = describeFlower(label);
      const names = { en: en.name, ko: ko.name };
      return { no, label, name: names[language], names, acc };
    })
    .sort((a, b) => b.acc - a.acc);

/** Adds what the catalogue knows of the first class, or says that the photo shows none of them. */
export const buildAnswer = ({ classes, modelVersion, known }: Classification, language: Language): Answer => {
  const predictions = rank(classes, language);
  const [best] = predictions;
  if (best === undefined) throw new Error('A classification has at least one class.');
  const ranked = { predictions, model: { version: modelVersion } };
  if (known) {
    const translations = describeFlower(best.label);
    return {
      result: { ...best, known, description: translations[language].description, translations, ...ranked },
    };
  }
  const inModelOrder = predictions.toSorted((a, b) => a.no - b.no).map(({ names }) => names);
  const translations = describeUnknown(inModelOrder);
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
