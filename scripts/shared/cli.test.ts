import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { positiveNumber, share, wholeNumber } from '../../model/shared/text.ts';
import { confirm, helpText, readOptions, runCommand } from './cli.ts';

const options = z
  .strictObject({
    data: z.string('a folder of photos').meta({ value: 'DIR', description: 'photos' }),
    batchSize: wholeNumber(1, 64).default(32).meta({ value: 'N', description: 'photos per step (32)' }),
    learningRate: positiveNumber.optional(),
    test: share(0.01, 0.5, 0.1)
      .optional()
      .meta({ value: 'X', description: 'share that is kept\nfor the test' }),
    balanced: z.boolean().default(false).meta({ description: 'rare classes count for more' }),
  })
  .refine(({ data }) => data !== 'nowhere', 'Nowhere holds no photos.');
const open = z.object({
  help: z.boolean().default(false).meta({ description: 'shows this' }),
  parameters: z.record(z.string(), z.string()).meta({ value: 'NAME=VALUE', description: 'any other' }),
});

test('the help lists options in columns', () => {
  assert.equal(
    helpText({ head: 'Usage: it --data DIR\n', foot: '\nThe end.\n', options }),
    `Usage: it --data DIR

  --data DIR       photos
  --batch-size N   photos per step (32)
  --test X         share that is kept
                   for the test
  --balanced       rare classes count for more

The end.
`,
  );
  assert.equal(
    helpText({ head: 'Usage: it', options: open }),
    'Usage: it\n  --help         shows this\n  --NAME=VALUE   any other\n',
  );
});

test('options become the fields of their schema; with --help nothing else is done', () => {
  assert.equal(readOptions(options, ['--colour', '--help']), undefined);
  assert.deepEqual(readOptions(options, ['--data', 'photos', '--learning-rate=1e-3', '--balanced']), {
    data: 'photos',
    batchSize: 32,
    learningRate: 0.001,
    balanced: true,
  });
  assert.deepEqual(readOptions(open, ['--Epoch=2', '--Rate=0.1', '--Epoch=3']), {
    help: false,
    parameters: { Epoch: '3', Rate: '0.1' },
  });
});

const WRONG: readonly (readonly [args: readonly string[], message: string])[] = [
  [[], '--data is missing; it must be a folder of photos.'],
  [
    ['--batch-size=0', '--learning-rate=0'],
    '--data is missing; it must be a folder of photos.\n' +
      '--batch-size is "0", but must be a whole number from 1 to 64.\n' +
      '--learning-rate is "0", but must be a number above 0, such as 0.003.',
  ],
  [['--data=nowhere'], 'Nowhere holds no photos.'],
  [['--data', '--balanced'], '--data needs a value: --data=VALUE'],
  [['--data=a', '--learning-rate', '-1'], '--learning-rate needs a value: --learning-rate=VALUE'],
  [['--balanced=yes'], '--balanced is "yes", but must be given without a value.'],
  [
    ['photos', '--colour', '-x'],
    '"photos" belongs to no option.\nThere is no option --colour.\nThere is no option -x.',
  ],
];
for (const [args, message] of WRONG)
  test(`"${args.join(' ')}" is a line for each thing that is wrong`, () =>
    assert.throws(() => readOptions(options, args), { message }));

test('on Node 20 the SDK’s advice does not come before what a command says', async () => {
  await runCommand({ head: '', options: z.strictObject({}) }, async () => 0);
  assert.equal(process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'], 'true');
});

test('without a terminal a confirmation fails with the question and the option that answers it', async () => {
  await assert.rejects(
    confirm('Apply this to account 123456789012?', 'yes'),
    /^Error: Apply this to account 123456789012\?\nNo interactive terminal to confirm this\. Pass --yes to continue\.$/,
  );
});
