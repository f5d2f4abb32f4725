import { REFUSED_SHARE } from '../contract/tensors.ts';
import type { ModelMetrics } from '../evaluation/metrics.ts';
import { percent, pluralize } from '../shared/text.ts';

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [head, head.map(() => '---'), ...rows]
    .map((row) => `| ${row.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');

/** The recall of each class: the share of its test photos that were classified correctly. */
const perClass = ({ labels, data, test }: ModelMetrics): string =>
  table(
    ['class', 'training', 'validation', 'test', 'recall on test'],
    labels.map((name, index) => {
      const row = test.confusion[index] ?? [];
      const photos = sum(row);
      return [
        `\`${name}\``,
        data.train[index] ?? 0,
        data.validation[index] ?? 0,
        data.test[index] ?? 0,
        photos === 0 ? '–' : percent((row[index] ?? 0) / photos),
      ];
    }),
  );

const count = (value: number) => value.toLocaleString('en');

const story = ({ training }: ModelMetrics): string => {
  const { backbone, parameters, trainedParameters = parameters, fineTuned } = training;
  const { epochs, seconds, backend, photosPerSecond } = training;
  const time = seconds < 90 ? `${seconds.toFixed(0)} seconds` : `${(seconds / 60).toFixed(0)} minutes`;
  const effort = `${pluralize(epochs, 'epoch')} in ${time} on ${backend} (${photosPerSecond.toFixed(0)} photos a second)`;
  if (backbone === null)
    return `A compact residual network with ${count(parameters)} parameters, trained from random weights for ${effort}.\n`;
  return fineTuned === undefined
    ? `A small head on ${backbone}, which was trained on other photos and stays as it was: of ${count(parameters)} parameters, ${count(trainedParameters)} were trained, for ${effort}, after every photo had gone through the backbone once.\n`
    : `The last ${pluralize(fineTuned, 'block')} of ${backbone}, which was trained on other photos, and a linear classifier after them were trained further: ${count(trainedParameters)} of ${count(parameters)} parameters, for ${effort}.\n`;
};

const rate = (part: number, count: number) => `${part} of ${count} (${percent(part / Math.max(1, count))})`;

const calibrationSection = ({ calibration }: ModelMetrics): string => {
  if (!calibration) {
    return `## Confidence and other pictures

This model is not calibrated: too few photos were held out. Its confidence is the network's own, and it names one of its classes in **any** picture.
`;
  }
  const { temperature, before, after, validation, test, unknown } = calibration;
  const [low, high] = test.interval;
  const rows = unknown.map(({ kind, source, count, refused, area }) => [
    kind,
    source === 'drawn' ? 'drawn by code' : source,
    rate(refused, count),
    area.toFixed(3),
  ]);
  return `## Confidence and other pictures

**Confidence.** The logits are divided by ${temperature.toFixed(3)}, fitted on the ${validation.count} validation photos. On the test photos the expected calibration error (15 bins of equally many photos) went from ${percent(before.error)} to ${percent(after.error)}, the loss from ${before.loss.toFixed(3)} to ${after.loss.toFixed(3)}.

![Reliability](reliability.svg)

**Other pictures.** \`known_score\` is below 0 for what looks like none of the classes. Its threshold was fitted to photos of the classes alone, so that at most ${percent(REFUSED_SHARE)} of them are refused. Of the validation photos, ${rate(validation.kept, validation.count)} are kept; of the test photos, ${rate(test.kept, test.count)} are kept; 95 % interval ${percent(low)} to ${percent(high)}.

${table(['other pictures', 'source', 'refused', 'area under ROC'], rows)}

![ROC curves](roc.svg)
`;
};

const limits = ({
  labels,
  calibration,
}: ModelMetrics): string => `- It knows these ${labels.length} classes only${
  calibration
    ? '. What it cannot distinguish from them it still classifies as one of them: the table above says how often.'
    : ' and names one of them for **any** photo, a cat included. The confidence is not a test for "none of these".'
}
- It has seen photos like those of its dataset only. Pictures taken in another way, or in another light, are untried.
- A photo is cropped to its central square: what is at the edge of a panorama is not seen.
- ${
  calibration
    ? 'The confidence is calibrated for photos like those of the dataset; for a picture of something else it means nothing.'
    : 'The confidence is not calibrated: mixing and smoothing while training make it cautious.'
}`;

/** A model card (Mitchell et al. 2019) as Markdown, from the numbers in `metrics.json`. */
export const modelCard = (metrics: ModelMetrics): string => {
  const { version, labels, data, test, training, bytes } = metrics;
  const [low, high] = test.interval;
  const note = training.note === undefined ? '' : `${training.note}\n\n`;
  return `# Model ${version}

Distinguishes ${labels.length} classes: ${labels.map((name) => `\`${name}\``).join(', ')}.

**Accuracy ${percent(test.accuracy)}** (95 % interval ${percent(low)} to ${percent(high)}): ${test.correct} of ${test.count} test photos classified correctly.
Measured on the exported SavedModel, on photos that were neither trained on nor watched during the training.

${perClass(metrics)}

![Confusion matrix](confusion-matrix.svg)

![Training curves](training-curves.svg)
${metrics.mistakes ? '\n![The highest-confidence errors](mistakes.jpg)\n' : ''}
## How it was made

\`\`\`sh
${training.command}
\`\`\`

${note}${story(metrics)}It sees a photo at ${training.side} x ${training.side} pixels. Its weights are stored in half precision: ${(bytes / 1e6).toFixed(2)} MB.

## Data

${pluralize(sum(data.train) + sum(data.validation) + sum(data.test), 'photo')}; ${pluralize(data.skipped.length, 'file')} left out (copies of others, or unreadable). The split is stratified by class and decided by the pixels of each photo and the seed ${data.seed}, after copies were removed; near-copies, such as two photos of one plant in a row, may still be on both sides.

${calibrationSection(metrics)}
## What it cannot do

${limits(metrics)}
`;
};
