import { parseArgs } from 'node:util';
import { z } from 'zod';
import { bucketDestination, createS3Client } from './backbone/bucket.ts';
import { fetchBackbone } from './backbone/fetch-backbone.ts';
import { folderDestination } from './backbone/folder.ts';
import { MOBILENET } from './backbone/mobilenet.ts';
import { originOf } from './backbone/origin.ts';
import { runCommand } from './cloud/command.ts';
import { readConfiguration } from './cloud/target.ts';
import { say, showProgress } from './progress.ts';

/** Fetches the pretrained network on which a small head is trained. */

const USAGE = `Usage: node --import tsx scripts/fetch-backbone.ts [options]

Fetches Google's ImageNet MobileNet (v1, 0.25, 224; 1.9 MB, Apache-2.0) from TensorFlow Hub and verifies it.

  --to DIR|S3           folder to make, for --backbone of npm run train and --pretrained of npm run pipeline
                        (build/mobilenet); or s3://BUCKET/pretrained/, which the pipelines in AWS read
  --from URL|DIR        another place of the same files: a mirror, or an unpacked download
  --help                shows this
`;

/** A folder's name may be almost anything, but with `://` an address is meant. */
const isPlace = (from: string): boolean =>
  from.includes('://') ? /^https?:/i.test(from) && URL.canParse(from) : from !== '';

const optionsSchema = z.object({
  to: z.string().min(1, 'give a folder, or s3://BUCKET/pretrained/').default('build/mobilenet'),
  from: z.string().refine(isPlace, 'give a folder, or an http or https address').default(MOBILENET.address),
});

/** What was typed; undefined when it cannot be understood, which has then been said. */
const readOptions = () => {
  try {
    const text = { type: 'string' } as const;
    const { values } = parseArgs({ options: { to: text, from: text } });
    const { data, error } = optionsSchema.safeParse(values);
    if (data) return data;
    throw new Error(error.issues.map(({ path, message }) => `--${path.join('.')}: ${message}`).join('\n'));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return undefined;
  }
};

const kilobytes = (bytes: number): string => `${Math.ceil(bytes / 1000)} kB`;

const nextStep = (to: string, isS3: boolean): string =>
  isS3
    ? 'Trainings of the SageMaker pipelines build on what is in the folder pretrained/ of the dataset bucket; for another, start them with the parameter Pretrained.'
    : `Train on it: npm run train -- --data DIR --backbone ${to}, or npm run pipeline -- --data DIR --pretrained ${to}`;

const main = async (): Promise<number> => {
  if (process.argv.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  const options = readOptions();
  if (!options) return 1;
  const { from, to } = options;
  const isS3 = to.startsWith('s3://');
  const destination = isS3
    ? bucketDestination(to, createS3Client(readConfiguration().region))
    : folderDestination(to);
  const fetched = await fetchBackbone({
    files: MOBILENET.files,
    origin: originOf(from),
    destination,
    onProgress: ({ name, bytes: total }, bytes) =>
      showProgress(`Fetching ${name}: ${kilobytes(bytes)} of ${kilobytes(total)}`),
  });
  say(
    fetched
      ? `MobileNet is in ${destination.name}; its checksums are right.`
      : `MobileNet is in ${destination.name} already; its checksums are right. Nothing was fetched.`,
  );
  say(nextStep(to, isS3));
  return 0;
};

await runCommand(main);
