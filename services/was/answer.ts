import type { Answer, Language } from '../contract/answer.ts';
import { describeFlower } from './catalogue.ts';
import type { Classification } from './classifier.ts';

/** Ranks the classes and adds what the catalogue knows of the first, in the language asked for. */
export const buildAnswer = ({ classes, modelVersion }: Classification, language: Language): Answer => {
  const predictions = classes
    .map(({ label, probability: acc }, no) => {
      const { en, ko } = describeFlower(label);
      const names = { en: en.name, ko: ko.name };
      return { no, label, name: names[language], names, acc };
    })
    .sort((a, b) => b.acc - a.acc);
  const [best] = predictions;
  if (best === undefined) throw new Error('A classification has at least one class.');
  const translations = describeFlower(best.label);
  return {
    result: {
      ...best,
      description: translations[language].description,
      translations,
      predictions,
      model: { version: modelVersion },
    },
  };
};
