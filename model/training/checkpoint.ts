import { mkdir, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { differences, type Fingerprint, fingerprintSchema } from './fingerprint.ts';
import { type Progress, progressSchema } from './progress.ts';
import { decodeTensorFile, encodeTensorFile, type Values } from './tensor-file.ts';

/** A training between two steps. */
export interface Checkpoint {
  readonly progress: Progress;
  /** By the names that the trainer gives them. */
  readonly tensors: Readonly<Record<string, Values>>;
}

/** Raised when what a checkpoint holds changes its meaning: older ones are then not gone on from. */
const FORMAT = 1;

const headerSchema = z.object({
  format: z.literal(FORMAT),
  /** Counts the checkpoints of a training: the higher one is the newer. */
  sequence: z.int(),
  fingerprint: fingerprintSchema,
  progress: progressSchema,
});

/**
 * Written in turn, so that the older one is there while the newer is written. Always the same two names, because
 * SageMaker copies what appears in the folder to S3 and takes nothing away there.
 */
const SLOTS = ['a.checkpoint', 'b.checkpoint'] as const;
const TEMPORARY = 'next.checkpoint.tmp';

type Found = z.infer<typeof headerSchema> & Pick<Checkpoint, 'tensors'> & { readonly slot: string };

const isMissing = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** What was written is on the disk, and not just on its way there. */
const flush = async (file: string): Promise<void> => {
  const handle = await open(file, 'r');
  await handle.sync().finally(() => handle.close());
};

export interface CheckpointOptions {
  /** Told of each checkpoint that cannot be gone on from, and why. */
  readonly onWarning?: (text: string) => void;
}

/** The last two checkpoints of a training, in a folder. */
export class CheckpointStore {
  readonly #directory: string;
  readonly #warn: (text: string) => void;
  #last: { readonly slot: string; readonly sequence: number } | undefined;

  constructor(directory: string, { onWarning = () => {} }: CheckpointOptions = {}) {
    this.#directory = directory;
    this.#warn = onWarning;
  }

  /** The newest whole checkpoint of the training with this fingerprint. Others are left out with a warning. */
  async load(fingerprint: Fingerprint): Promise<Checkpoint | undefined> {
    const found = await Promise.all(SLOTS.map((slot) => this.#read(slot, fingerprint)));
    const [newest] = found.filter((entry) => entry !== undefined).sort((a, b) => b.sequence - a.sequence);
    this.#last = newest;
    return newest;
  }

  async #read(slot: string, fingerprint: Fingerprint): Promise<Found | undefined> {
    const file = path.join(this.#directory, slot);
    const bytes = await readFile(file).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (bytes === undefined) return undefined;
    const content = decodeTensorFile(bytes);
    if (!content) {
      this.#warn(`The checkpoint ${file} is damaged or cut short and is not used.`);
      return undefined;
    }
    const header = headerSchema.safeParse(content.header);
    if (!header.success) {
      this.#warn(`The checkpoint ${file} was written by another version of this program and is not used.`);
      return undefined;
    }
    const others = differences(header.data.fingerprint, fingerprint);
    if (others.length > 0) {
      this.#warn(
        `The checkpoint ${file} is of another training, which differs in ${others.join(' and ')}; it is not used and will be overwritten.`,
      );
      return undefined;
    }
    return { ...header.data, tensors: content.groups, slot };
  }

  /** Keeps a checkpoint in place of the last but one. A process that dies in here leaves both of the others whole. */
  async save(fingerprint: Fingerprint, { progress, tensors }: Checkpoint): Promise<void> {
    const [first, second] = SLOTS;
    const slot = this.#last?.slot === first ? second : first;
    const sequence = (this.#last?.sequence ?? 0) + 1;
    const header: z.infer<typeof headerSchema> = { format: FORMAT, sequence, fingerprint, progress };
    const temporary = path.join(this.#directory, TEMPORARY);
    await mkdir(this.#directory, { recursive: true });
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(encodeTensorFile({ header, groups: tensors }));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path.join(this.#directory, slot));
    await flush(this.#directory);
    this.#last = { slot, sequence };
  }
}
