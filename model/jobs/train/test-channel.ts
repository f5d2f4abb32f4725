import { pluralize } from '../../shared/text.ts';
import type { Dataset, Example } from '../../training/dataset.ts';

const keysOf = ({ labels, examples }: Dataset) =>
  examples
    .map(({ label, content }) => `${labels[label]} ${content}`)
    .sort()
    .join('\n');

/**
 * The test channel's photos, labelled as the training's are.
 *
 * @returns nothing when they are the very photos of the training: then some of those must be held out
 * @throws Error when there are photos of a class that the training knows nothing of
 */
export const testExamples = (
  train: Dataset,
  test: Dataset,
  warn: (text: string) => void,
): readonly Example[] | undefined => {
  if (keysOf(train) === keysOf(test)) {
    warn('The channel test holds the very photos of train: a tenth of each class of train is held out.');
    return undefined;
  }
  const unknown = test.labels.filter((name) => !train.labels.includes(name));
  if (unknown.length > 0) {
    throw new Error(
      `The channel test has the classes ${unknown.join(', ')}, of which the channel train has no photos. Add some there, or take the folders away.`,
    );
  }
  const untested = train.labels.filter((name) => !test.labels.includes(name));
  if (untested.length > 0)
    warn(`The channel test has no photos of ${untested.join(', ')}: nothing will be known of them.`);
  const contents = new Set(test.examples.map(({ content }) => content));
  const both = train.examples.filter(({ content }) => contents.has(content)).length;
  if (both > 0)
    warn(`Left out of train: ${pluralize(both, 'photo')} that ${both === 1 ? 'is' : 'are'} also in test.`);
  return test.examples.map((example) => ({
    ...example,
    label: train.labels.indexOf(test.labels[example.label] ?? ''),
  }));
};
