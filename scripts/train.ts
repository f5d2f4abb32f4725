import path from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { loadBackend } from '../model/runtime/backend.ts';
import { versionAt } from '../model/savedmodel/store.ts';
import { trainModel } from '../model/train-model.ts';
import { readDataset } from '../model/training/dataset.ts';
import { duration, say, showProgress } from './progress.ts';

const USAGE = `Usage: npm run train -- --data DIR [options]

  --data DIR            folder with one folder of photos per class (or set FLOWERS_DIR)
  --epochs N            times that every photo is seen (60)
  --out DIR             where model, model.tar.gz and report go (build/model)
  --teacher DIR         a TensorFlow.js graph model, such as MobileNet, whose features guide the training
  --backbone DIR        a TensorFlow.js model, such as MobileNet, on which only a small head is trained: minutes, not hours
  --features DIR        where the backbone's features are kept for the next training (build/features)
  --batch-size N        photos per step (32; 64 with --backbone)
  --learning-rate X     highest learning rate (0.003)
  --test X              share of each class kept for the final test (0.1)
  --validation X        share of each class kept for watching the training (0.1)
  --seed N              of the split, the weights and the augmentation (1)
  --version DIGITS      version of the model (the time in UTC)
`;

const share = z.coerce.number().min(0).max(0.5);
const count = z.coerce.number().int().positive();

const optionsSchema = z.strictObject({
  data: z.string({ error: 'give the folder of photos' }),
  epochs: count.default(60),
  out: z.string().default('build/model'),
  teacher: z.string().optional(),
  backbone: z.string().optional(),
  features: z.string().default('build/features'),
  'batch-size': count.optional(),
  'learning-rate': z.coerce.number().positive().default(0.003),
  test: share.min(0.01).default(0.1),
  validation: share.default(0.1),
  seed: z.coerce.number().int().min(0).default(1),
  version: z.string().regex(/^\d+$/, 'digits only').default(versionAt(new Date())),
});

type Options = z.infer<typeof optionsSchema>;

/** Folders of this machine, which are another person's no business. */
const PRIVATE = new Set(['data', 'out', 'version', 'features']);
const FOLDERS = new Set(['teacher', 'backbone']);

const readOptions = () => {
  const names = Object.keys(optionsSchema.shape);
  const { values } = parseArgs({
    options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
  });
  const data = values['data'] ?? process.env['FLOWERS_DIR'];
  const parsed = optionsSchema.safeParse({ ...values, ...(data !== undefined && { data }) });
  if (parsed.success) return parsed.data;
  throw new Error(
    parsed.error.issues.map((issue) => `--${issue.path.join('.')}: ${issue.message}`).join('\n'),
  );
};

/** The command as another person would type it: without the folders of this machine. */
const commandLine = (options: Options): string =>
  `npm run train -- --data DIR${Object.entries(options)
    .filter(([name]) => !PRIVATE.has(name))
    .map(([name, value]) =>
      value === undefined ? '' : ` --${name} ${FOLDERS.has(name) ? path.basename(String(value)) : value}`,
    )
    .join('')}`;

const pretrained = (directory: string | undefined) =>
  directory === undefined ? undefined : { directory, name: path.basename(directory) };

const percent = (value: number) => `${(value * 100).toFixed(1)} %`;

const main = async (): Promise<void> => {
  const options = readOptions();
  const backend = await loadBackend();
  say(`Computing on ${backend.reason}.`);
  const dataset = await readDataset(options.data, {
    onProgress: (done, total) => showProgress(`Reading photo ${done} of ${total}`),
  });
  say(
    `Read ${dataset.examples.length} photos of ${dataset.labels.length} classes: ${dataset.labels.join(', ')}.`,
  );
  for (const { file, reason } of dataset.skipped) say(`  left out ${file}: ${reason}`);
  const started = performance.now();
  const backbone = pretrained(options.backbone);
  const metrics = await trainModel({
    dataset,
    backend,
    outputDirectory: options.out,
    version: options.version,
    command: commandLine(options),
    split: { test: options.test, validation: options.validation, seed: options.seed },
    teacher: pretrained(options.teacher),
    backbone: backbone && { ...backbone, cacheDirectory: options.features },
    onFeatures: (done, total) => showProgress(`Computing features of photo ${done} of ${total}`),
    onSplit: ({ train, validation, test }) =>
      say(`Training on ${train.length}, watching ${validation.length}, testing on ${test.length} photos.`),
    training: {
      epochs: options.epochs,
      batchSize: options['batch-size'] ?? (backbone ? 64 : 32),
      learningRate: options['learning-rate'],
      onStep: (done, total) => showProgress(`  step ${done} of ${total}`),
      onEpoch: ({ epoch, epochs, trainingLoss, trainingAccuracy, validation, seconds }) => {
        const left = ((performance.now() - started) / 1000 / epoch) * (epochs - epoch);
        const watched = validation
          ? `, validation loss ${validation.loss.toFixed(3)} accuracy ${percent(validation.accuracy)}`
          : '';
        say(
          `Epoch ${epoch} of ${epochs}: loss ${trainingLoss.toFixed(3)} accuracy ${percent(trainingAccuracy)}${watched} (${duration(seconds)}, ${duration(left)} left)`,
        );
      },
    },
  });
  const [low, high] = metrics.test.interval;
  say(
    `Test accuracy of the exported model: ${percent(metrics.test.accuracy)} (95 % interval ${percent(low)} to ${percent(high)}).`,
  );
  say(
    `Wrote ${options.out}: model, model.tar.gz and MODEL_CARD.md. Serve it with: MODEL_DIR=${options.out} npm start`,
  );
};

if (process.argv.includes('--help')) {
  process.stdout.write(USAGE);
  process.exit(0);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exit(1);
}
