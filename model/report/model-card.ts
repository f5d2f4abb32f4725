import type { Metrics } from './metrics.ts';

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [head, head.map(() => '---'), ...rows]
    .map((row) => `| ${row.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');

/** Recall of each class: the share of its test photos that were named rightly. */
const perClass = ({ labels, data, test }: Metrics): string =>
  table(
    ['class', 'training', 'validation', 'test', 'recall on test'],
    labels.map((name, index) => {
      const row = test.confusion[index] ?? [];
      return [
        `\`${name}\``,
        data.train[index] ?? 0,
        data.validation[index] ?? 0,
        data.test[index] ?? 0,
        percent((row[index] ?? 0) / Math.max(1, sum(row))),
      ];
    }),
  );

const teacherNote = ({ training: { teacher } }: Metrics): string =>
  teacher === null
    ? ''
    : `While it learned, the network also had to predict the features that ${teacher} sees in the same photos; none of that network's weights are in the model.\n`;

/** A model card (Mitchell et al. 2019) as Markdown; its numbers are those of `metrics.json` beside it. */
export const modelCard = (metrics: Metrics): string => {
  const { version, labels, data, test, training, bytes } = metrics;
  const [low, high] = test.interval;
  return `# Model ${version}

Tells ${labels.length} kinds of flower apart: ${labels.map((name) => `\`${name}\``).join(', ')}.

**Accuracy ${percent(test.accuracy)}** (95 % interval ${percent(low)} to ${percent(high)}): ${test.correct} of ${test.count} test photos named rightly.
Measured on the exported SavedModel, with photos that were neither trained on nor looked at while the training was designed.

${perClass(metrics)}

![Confusion matrix](confusion-matrix.svg)

![Training curves](training-curves.svg)

## How it was made

\`\`\`sh
${training.command}
\`\`\`

A compact residual network with ${training.parameters.toLocaleString('en')} parameters, trained from random weights for ${training.epochs} epochs in ${(training.seconds / 60).toFixed(0)} minutes on ${training.backend} (${training.photosPerSecond.toFixed(0)} photos a second).
${teacherNote(metrics)}It sees a photo at 112 x 112 pixels, once as it is and once mirrored, and answers with the mean of both. Its weights are stored in half precision: ${(bytes / 1e6).toFixed(2)} MB.

## Data

${sum(data.train) + sum(data.validation) + sum(data.test)} photos; ${data.skipped.length} files were left out (copies of others, or unreadable). The split is stratified by class and decided by the pixels of each photo and the seed ${data.seed}, after copies were removed; near-copies, such as two photos of one plant in a row, may still lie on both sides.

## What it cannot do

- It knows these ${labels.length} classes only and names one of them for **any** photo, a cat included. The confidence is not a test for "none of these".
- It has seen photos of whole flowers in daylight, mostly filling the picture. Drawings, dried or distant flowers and night photos are untried.
- A photo is cropped to its central square: a flower at the edge of a panorama is not seen.
- The confidence is not calibrated: mixing and smoothing while training make it cautious.
`;
};
