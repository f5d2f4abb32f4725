import path from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { versionAt } from '../../model/savedmodel/file.ts';
import { positiveNumber, share, wholeNumber } from '../../model/shared/text.ts';
import { describeIssues } from '../shared/cli.ts';

export const USAGE = `Usage: npm run train -- --data DIR [options]

  --data DIR            folder with one folder of photos per class
  --epochs N            times that every photo is seen (60)
  --out DIR             where model, model.tar.gz and report go (build/model)
  --backbone DIR        a TensorFlow.js model, such as MobileNet, on which only a small head is trained: minutes, not hours
  --features DIR        where the backbone's features are kept for the next training (build/features)
  --teacher DIR         a TensorFlow.js graph model whose features guide a training from random weights
  --batch-size N        photos per step (32; 64 with --backbone)
  --learning-rate X     highest learning rate (0.003)
  --patience N          epochs without a lower validation loss after which it ends early (none)
  --balanced            photos of rare classes count for more
  --test X              share of each class kept for the final test (0.1)
  --validation X        share of each class kept for watching the training, and for calibration (0.1)
  --unknown DIR         choosing/<kind>/ and measuring/<kind>/: photos of other things, to learn and to measure what is none of
                        the classes, beside drawings
  --seed N              of the split, the weights and the augmentation (1)
  --version N           version of the model: digits (the time)
  --help                shows this

Stopped or killed, it goes on from its checkpoint when it is started again with the same options.
`;

const count = wholeNumber(1);

const schema = z.strictObject({
  data: z.string('a folder with one folder of photos per class'),
  epochs: count.default(60),
  out: z.string().default('build/model'),
  backbone: z.string().optional(),
  features: z.string().default('build/features'),
  teacher: z.string().optional(),
  'batch-size': count.optional(),
  'learning-rate': positiveNumber.default(0.003),
  patience: count.optional(),
  balanced: z.boolean().default(false),
  test: share(0.01, 0.5, 0.1).default(0.1),
  validation: share(0, 0.5, 0.1).default(0.1),
  unknown: z.string().optional(),
  // TensorFlow.js takes a seed of 0 for none.
  seed: wholeNumber(1).default(1),
  version: z.string().regex(/^\d+$/, 'digits only, such as 1').default(versionAt(new Date())),
});

export type TrainCommand = z.infer<typeof schema>;

export const OPTIONS: readonly string[] = [...Object.keys(schema.shape), 'help'];

const FLAGS = new Set(['balanced', 'help']);
/** Folders of this machine, which are another person's no business. */
const PRIVATE = new Set(['data', 'out', 'version', 'features']);
const FOLDERS = new Set(['teacher', 'backbone', 'unknown']);

/**
 * Reads the options.
 *
 * @returns nothing when help was asked for
 * @throws Error that names what is wrong
 */
export const readCommandLine = (parameters: readonly string[]): TrainCommand | undefined => {
  const { values } = parseArgs({
    args: [...parameters],
    options: Object.fromEntries(
      OPTIONS.map((name) => [name, { type: FLAGS.has(name) ? 'boolean' : 'string' } as const]),
    ),
  });
  if (values['help']) return undefined;
  const { data: command, error } = schema.safeParse(values);
  if (error) throw new Error(describeIssues(values, error));
  if (command.teacher !== undefined && command.backbone !== undefined)
    throw new Error('A training has a teacher or a backbone, not both. Give one of them.');
  return command;
};

const typed = (name: string, value: unknown): string => {
  if (value === undefined || value === false) return '';
  if (value === true) return ` --${name}`;
  return ` --${name} ${FOLDERS.has(name) ? path.basename(String(value)) : value}`;
};

/** The command as another person would type it: without the folders of this machine. */
export const toBeTyped = (command: TrainCommand): string =>
  `npm run train -- --data DIR${Object.entries(command)
    .filter(([name]) => !PRIVATE.has(name))
    .map(([name, value]) => typed(name, value))
    .join('')}`;
