import { labelNames, labelWords } from '../../model/contract/catalogue.ts';
import type { Classification, Classifier } from './classifier.ts';

const PROBABILITIES = { astilbe: 0.2, black_eyed_susan: 0.7, unheard_of_flower: 0.1 };

/** A model's answer in tests. */
export const CLASSIFICATION: Classification = {
  classes: Object.entries(PROBABILITIES).map(([label, probability]) => ({
    ...{ label, probability },
    names: labelNames(label),
  })),
  words: labelWords('black_eyed_susan'),
  modelVersion: '42',
  known: true,
};

/** A classifier that gives the same answer for every photo. */
export const fakeClassifier = (classification: Classification = CLASSIFICATION): Classifier => ({
  classify: async (photos) => photos.map(() => classification),
});
