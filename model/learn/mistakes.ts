import type { Example } from '../data/dataset.ts';
import type { Mistake } from '../report/contact-sheet.ts';

/**
 * The photos that a model named wrongly.
 *
 * @param answers probabilities of every class, one list for each photo
 */
export const mistakesAmong = (
  labels: readonly string[],
  photos: readonly Example[],
  answers: readonly (readonly number[])[],
): Mistake[] =>
  photos.flatMap(({ file, label, pixels }, index) => {
    const row = answers[index] ?? [];
    const confidence = Math.max(...row);
    const answer = row.indexOf(confidence);
    if (answer === label) return [];
    return [{ file, truth: labels[label] ?? '', answer: labels[answer] ?? '', confidence, pixels }];
  });
