#!/usr/bin/env node
import { realpathSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { progressReporter } from '../../model/shared/progress.ts';
import { errorText, percent, pluralize, wholeNumber } from '../../model/shared/text.ts';
import { CommandError, runCommand } from '../shared/cli.ts';
import { ClassifyClient, type ClassifyOutcome } from './client.ts';
import { openJournal, type PhotoFile } from './journal.ts';

const HEAD = `Usage: npm run classify -- PHOTO ... [options]

Classifies photos with a running service. Prints a table to a terminal, and one line of JSON per photo to a pipe or a
file, in the order of the files.
`;

const FOOT = `
Exit codes: 0 all photos were classified, 1 some were not, 2 usage error.
`;

const USAGE_ERROR = 2;
/** 128 and the number of SIGINT. */
const STOPPED = 130;

const options = z.strictObject({
  photos: z.array(z.string()).default([]).meta({
    value: 'PHOTO',
    positional: true,
    description: 'files, or folders of JPEG, PNG and WebP photos',
  }),
  url: z
    .url({ protocol: /^https?$/, error: 'an address that begins with http:// or https://' })
    .default('http://127.0.0.1:8000')
    .meta({
      value: 'URL',
      description: 'address of the service (http://127.0.0.1:8000, as served by npm start)',
    }),
  key: z
    .string()
    .optional()
    .meta({ value: 'KEY', description: 'API key (the environment variable BLOOMSTACK_KEY)' }),
  concurrency: wholeNumber(1, 64).default(16).meta({
    value: 'N',
    description: 'maximum number of photos in flight; fewer while the service is overloaded (16)',
  }),
  noShrink: z.literal(true).optional().meta({
    description:
      'sends whole files instead of only the 224 x 224 pixels that the\nmodel sees, which give the same answer',
  }),
  resume: z
    .literal(true)
    .optional()
    .meta({ description: 'continues the same call where it was stopped; no answered photo is sent again' }),
});

const EXTENSIONS = new Set(['.jpg', '.jpeg', '.png', '.webp']);

/** @throws CommandError if there is no such file */
const findPhotos = async (name: string): Promise<string[]> => {
  const found = await stat(name).catch((error: unknown) => {
    throw new CommandError(`${name} cannot be read: ${errorText(error)}`, USAGE_ERROR);
  });
  if (!found.isDirectory()) return [name];
  const names = await readdir(name, { recursive: true });
  return names
    .filter((file) => EXTENSIONS.has(path.extname(file).toLowerCase()))
    .sort()
    .map((file) => path.join(name, file));
};

const describePhoto = async (file: string): Promise<PhotoFile> => {
  const { size, mtimeMs } = await stat(file);
  return { file, bytes: size, modifiedMs: mtimeMs };
};

const tableRow = (width: number, { file }: PhotoFile, outcome: ClassifyOutcome): string => {
  const name = file.padEnd(width);
  if ('problem' in outcome) return `${name}  - ${outcome.problem.detail}`;
  const { result } = outcome;
  return `${name}  ${result.name}${result.known ? `, ${percent(result.acc)}` : ''}`;
};

/** Shows progress on standard error: one line that is updated in a terminal, a line every few seconds elsewhere. */
const progress = process.stderr.isTTY
  ? progressReporter((line) => process.stderr.write(`\r\x1b[K${line}`), 0.1)
  : progressReporter((line) => process.stderr.write(`${line}\n`), 5);

/** @returns the exit code */
export const classify = async (given: z.infer<typeof options>): Promise<number> => {
  const { url, concurrency } = given;
  if (given.photos.length === 0)
    throw new CommandError('Name at least one photo, or a folder of photos.', USAGE_ERROR);
  // The reader of the pipe has closed it.
  process.stdout.on('error', () => process.exit(0));
  const files = (await Promise.all(given.photos.map(findPhotos))).flat();
  if (files.length === 0)
    throw new CommandError(`There are no photos in ${given.photos.join(', ')}.`, USAGE_ERROR);
  const client = new ClassifyClient({
    url,
    concurrency,
    whole: given.noShrink ?? false,
    key: given.key ?? process.env['BLOOMSTACK_KEY'],
  });
  await client.checkService();

  const photos = await Promise.all(files.map(describePhoto));
  const journal = await openJournal(
    [url, ...given.photos.map((name) => path.resolve(name))],
    given.resume ?? false,
  );
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (stopping) process.exit(STOPPED);
      stopping = true;
      process.stderr.write(
        '\nWaiting for the photos in flight. The same call with --resume continues here.\n',
      );
    });
  const outcomes = photos.map((photo) => journal.find(photo));
  const earlier = outcomes.filter((outcome) => outcome !== undefined).length;
  if (earlier > 0) process.stderr.write(`${pluralize(earlier, 'photo')} already answered.\n`);

  const width = Math.min(60, Math.max(...files.map(({ length }) => length)));
  let printed = 0;
  const printReady = (): void => {
    for (let outcome = outcomes[printed]; outcome; outcome = outcomes[++printed]) {
      const photo = photos[printed];
      if (!photo) break;
      if (process.stdout.isTTY && process.stderr.isTTY) process.stderr.write('\r\x1b[K');
      process.stdout.write(
        `${process.stdout.isTTY ? tableRow(width, photo, outcome) : JSON.stringify({ file: photo.file, ...outcome })}\n`,
      );
    }
  };
  printReady();

  let sent = 0;
  const answer = async (photo: PhotoFile, index: number): Promise<void> => {
    const { outcome, final } = await client.classify(await readFile(photo.file));
    outcomes[index] = outcome;
    sent++;
    if (final) await journal.append(photo, outcome);
    printReady();
    progress('Photos', earlier + sent, photos.length);
  };
  const running = new Set<Promise<void>>();
  for (const [index, photo] of photos.entries()) {
    if (outcomes[index]) continue;
    while (running.size >= client.concurrency) await Promise.race(running);
    if (stopping) break;
    const work = answer(photo, index).finally(() => running.delete(work));
    running.add(work);
  }
  await Promise.all(running);
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');

  const failed = outcomes.filter((outcome) => outcome && 'problem' in outcome).length;
  await journal.close(failed === 0 && !stopping);
  if (stopping) return STOPPED;
  if (failed > 0)
    process.stderr.write(`${failed} of ${pluralize(photos.length, 'photo')} were not classified.\n`);
  return failed > 0 ? 1 : 0;
};

// Its test imports this file.
if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url))
  await runCommand({ head: HEAD, foot: FOOT, options, usageExitCode: USAGE_ERROR }, classify);
