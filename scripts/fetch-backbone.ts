import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readdirIfExists, writeFiles } from '../model/shared/files.ts';
import { errorText } from '../model/shared/text.ts';
import { print, runCommand } from './shared/cli.ts';

/** Fetches the pretrained network for training a head. */

export type BackboneFile = Readonly<Record<'name' | 'sha256', string>>;

/**
 * Google's MobileNet v1 with a width of 0.25 for photos of 224 x 224, trained on ImageNet (Apache-2.0), as a
 * TensorFlow.js graph model. The address is the one that `loadGraphModel` uses with `fromTFHub`; TensorFlow Hub
 * redirects it to where Google keeps the files now.
 */
export const MOBILENET: { readonly address: string; readonly files: readonly BackboneFile[] } = {
  address: 'https://tfhub.dev/google/imagenet/mobilenet_v1_025_224/classification/1/?tfjs-format=file',
  files: [
    {
      name: 'group1-shard1of1.bin',
      sha256: '639c16be6dac70b2350586f503a379396807dcb2df840685bfafe6af2d8ec30f',
    },
    {
      name: 'model.json',
      sha256: 'f9d5d3752f20a5d9a115749bdbe7643b38cd57a11d4114f5dd2f4404af9850d8',
    },
  ],
};

/** In hexadecimal. */
export const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** Enough for two megabytes over a slow network. */
const LIMIT_MS = 300_000;

const isWebAddress = (from: string): boolean => /^https?:\/\//i.test(from) && URL.canParse(from);

/** Reads a file in `from`. The query of a web address, such as `?token=`, is kept. */
const readFrom = async (from: string, name: string): Promise<Uint8Array> => {
  if (!isWebAddress(from)) return readFile(path.join(from, name));
  const url = new URL(from);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${name}`;
  const response = await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS) });
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
};

const OTHERWISE =
  'Download the files another way and pass their folder, or a mirror, with --from. Nothing was written.';

/** @throws Error if it cannot be read, or is not the published file */
const readVerified = async (from: string, file: BackboneFile): Promise<Uint8Array> => {
  const content = await readFrom(from, file.name).catch((cause: unknown) => {
    // `fetch` itself only says that it failed.
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    throw new Error(`${file.name} cannot be read from ${from} (${errorText(reason)}). ${OTHERWISE}`, {
      cause,
    });
  });
  const got = sha256(content);
  if (got === file.sha256) return content;
  throw new Error(
    `${file.name} from ${from} is not the published file: its SHA-256 is ${got}, but should be ${file.sha256}. ${OTHERWISE}`,
  );
};

/**
 * Whether a folder already holds these files.
 *
 * @throws Error if it holds anything else, which is left alone
 */
const holdsFiles = async (folder: string, files: readonly BackboneFile[]): Promise<boolean> => {
  const found = (await readdirIfExists(folder)).map(({ name }) => name);
  if (found.length === 0) return false;
  for (const file of files)
    if (!found.includes(file.name) || sha256(await readFile(path.join(folder, file.name))) !== file.sha256)
      throw new Error(
        `${folder} is not empty and does not hold the published ${file.name}. It was left alone: move or delete it, or choose another folder with --to.`,
      );
  return true;
};

interface FetchOptions {
  readonly files: readonly BackboneFile[];
  /** A local folder, or a web address. */
  readonly from: string;
  /** The folder to create. */
  readonly to: string;
}

/**
 * Writes the verified files into a folder, atomically: all of them or none.
 *
 * @returns whether anything was fetched: false if they were already there
 * @throws Error if one cannot be read, or is not what was published
 */
export const fetchBackbone = async ({ files, from, to }: FetchOptions): Promise<boolean> => {
  if (await holdsFiles(to, files)) return false;
  const verified: Record<string, Uint8Array> = {};
  for (const file of files) verified[file.name] = await readVerified(from, file);
  const partial = `${path.resolve(to)}.partial-${randomUUID()}`;
  try {
    await writeFiles(partial, verified);
    await rename(partial, to);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  return true;
};

/** A folder's name may be almost anything, but `://` means an address. */
const isPlace = (from: string): boolean => (from.includes('://') ? isWebAddress(from) : from !== '');

const options = z.strictObject({
  to: z.string().min(1, 'a folder').default('build/mobilenet').meta({
    value: 'DIR',
    description:
      'folder to create, for --backbone of npm run train and --pretrained of npm run pipeline\n(build/mobilenet)',
  }),
  from: z.string().refine(isPlace, 'a folder, or an http or https address').default(MOBILENET.address).meta({
    value: 'URL|DIR',
    description: 'another source of the same files: a mirror, or an unpacked download',
  }),
});

const HEAD = `Usage: node --import tsx scripts/fetch-backbone.ts [options]

Fetches Google's ImageNet MobileNet (v1, 0.25, 224; 1.9 MB, Apache-2.0) from TensorFlow Hub and verifies it.
`;

if (process.argv[1] === fileURLToPath(import.meta.url))
  await runCommand({ head: HEAD, options }, async ({ to, from }) => {
    const fetched = await fetchBackbone({ files: MOBILENET.files, from, to });
    print(`MobileNet is in ${to}; its checksums are correct.${fetched ? '' : ' Nothing was fetched.'}
Train with it: npm run train -- --data DIR --backbone ${to}, or npm run pipeline -- --data DIR --pretrained ${to}`);
    return 0;
  });
