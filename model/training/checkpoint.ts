import { createHash } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import type { Example } from '../data/dataset.ts';
import { decodeWeightsFile, encodeWeightsFile, type WeightValues } from '../network/weights.ts';
import { readFileIfExists, replaceFile } from '../shared/files.ts';
import { pluralize } from '../shared/text.ts';

/** Everything that determines a training's result: a hash of each kind of input, in hexadecimal. */
const fingerprintSchema = z.object({
  photos: z.string(),
  options: z.string(),
  weights: z.string(),
});

type Fingerprint = Readonly<z.infer<typeof fingerprintSchema>>;

const hash = (parts: Iterable<string | Uint8Array>): string => {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part);
  return sum.digest('hex');
};

const listed = (examples: readonly Example[]) =>
  examples.map(({ label, content }) => `${label} ${content}\n`);

/**
 * @param options any JSON value
 * @param weights the initial weights, which also depend on architecture and seed
 */
export const fingerprintOf = (input: {
  readonly examples: readonly Example[];
  readonly validation: readonly Example[];
  readonly options: unknown;
  readonly weights: WeightValues;
}): Fingerprint => ({
  photos: hash([...listed(input.examples), 'validation\n', ...listed(input.validation)]),
  options: hash([JSON.stringify(input.options)]),
  weights: hash(
    input.weights.flatMap(({ buffer, byteOffset, byteLength }) => [
      `${byteLength}\n`,
      new Uint8Array(buffer, byteOffset, byteLength),
    ]),
  ),
});

/** Describes how two trainings differ. */
const DIFFERENCES = [
  ['photos', 'its photos'],
  ['options', 'its options'],
  ['weights', 'the weights it started from'],
] as const;

/** The result of an epoch, as stored in checkpoints. */
const epochResultSchema = z.object({
  /** From 1. */
  epoch: z.int(),
  epochs: z.int(),
  /** Mean cross-entropy on the augmented photos, in nats, with class weights if there are any. */
  trainingLoss: z.number(),
  /** Share of augmented photos whose largest target was predicted. */
  trainingAccuracy: z.number(),
  /** Results of the averaged weights on the validation photos; absent if there are none. */
  validation: z.object({ loss: z.number(), accuracy: z.number() }).exactOptional(),
  seconds: z.number(),
});

export type EpochResult = Readonly<z.infer<typeof epochResultSchema>>;

/** The state of a training, apart from its tensors. */
const progressSchema = z.object({
  /** Results of the finished epochs. */
  history: z.array(epochResultSchema),
  /** Steps taken in the current epoch. */
  step: z.int(),
  /** Steps taken in all epochs. */
  steps: z.int(),
  /** Position of the random numbers before the epoch's order was drawn, and now. */
  ordered: z.int(),
  random: z.int(),
  /** Sums over the epoch's photos so far. */
  loss: z.number(),
  correct: z.int(),
  seconds: z.number(),
  /** The epoch, from 1, with the lowest validation loss; absent without early stopping. */
  best: z.object({ epoch: z.int(), loss: z.number() }).exactOptional(),
});

export type Progress = Readonly<z.infer<typeof progressSchema>>;

/** Says where a training resumes, as a line of a log. */
export const describeResume = ({ history, step }: Progress): string =>
  `Resuming from a checkpoint, after ${pluralize(history.length, 'epoch')} and ${pluralize(step, 'step')}.`;

/** @param random the initial position of the random numbers */
export const beginning = (random: number): Progress => ({
  history: [],
  step: 0,
  steps: 0,
  ordered: random,
  random,
  loss: 0,
  correct: 0,
  seconds: 0,
});

/** A training between two steps. */
export interface Checkpoint {
  readonly progress: Progress;
  /** By the trainer's names. */
  readonly tensors: Readonly<Record<string, WeightValues>>;
}

/** Incremented when the meaning of a checkpoint's content changes, so that older ones are not resumed. */
const FORMAT = 1;

const headerSchema = z.object({
  format: z.literal(FORMAT),
  /** Sequence number: the higher one is newer. */
  sequence: z.int(),
  fingerprint: fingerprintSchema,
  progress: progressSchema,
});

/**
 * Written alternately, so that the older one exists while the newer is written. The names are fixed, because SageMaker
 * copies every file in the folder to S3 and never deletes any there.
 */
const SLOTS = ['a.checkpoint', 'b.checkpoint'] as const;
const TEMPORARY = 'next.checkpoint.tmp';

type Found = z.infer<typeof headerSchema> & Pick<Checkpoint, 'tensors'> & { readonly slot: string };

/** A folder with the last two checkpoints of a training. */
export class CheckpointStore {
  readonly #directory: string;
  readonly #warn: (text: string) => void;
  #last: { readonly slot: string; readonly sequence: number } | undefined;

  /** @param options.onWarning receives the reason why a checkpoint cannot be resumed */
  constructor(
    directory: string,
    { onWarning = () => {} }: { readonly onWarning?: (text: string) => void } = {},
  ) {
    this.#directory = directory;
    this.#warn = onWarning;
  }

  /** The newest valid checkpoint of the training with this fingerprint. Others are ignored with a warning. */
  async load(fingerprint: Fingerprint): Promise<Checkpoint | undefined> {
    const found = await Promise.all(SLOTS.map((slot) => this.#read(slot, fingerprint)));
    const [newest] = found.filter((entry) => entry !== undefined).sort((a, b) => b.sequence - a.sequence);
    this.#last = newest;
    return newest;
  }

  async #read(slot: string, fingerprint: Fingerprint): Promise<Found | undefined> {
    const file = path.join(this.#directory, slot);
    const bytes = await readFileIfExists(file);
    if (bytes === undefined) return undefined;
    const content = decodeWeightsFile(bytes);
    const header = headerSchema.safeParse(content?.header);
    if (content && header.success) {
      const { data } = header;
      const others = DIFFERENCES.filter(([key]) => data.fingerprint[key] !== fingerprint[key]);
      if (others.length === 0) return { ...data, tensors: content.groups, slot };
      this.#warn(
        `The checkpoint ${file} belongs to another training, which differs in ${others.map(([, name]) => name).join(' and ')}; it is not used and will be overwritten.`,
      );
    } else {
      const problem = content ? 'was written by another version of this program' : 'is damaged or truncated';
      this.#warn(`The checkpoint ${file} ${problem} and is not used.`);
    }
    return undefined;
  }

  /** Replaces the older of the two checkpoints. If the process dies meanwhile, both remain valid. */
  async save(fingerprint: Fingerprint, { progress, tensors }: Checkpoint): Promise<void> {
    const [first, second] = SLOTS;
    const slot = this.#last?.slot === first ? second : first;
    const sequence = (this.#last?.sequence ?? 0) + 1;
    const header: z.infer<typeof headerSchema> = { format: FORMAT, sequence, fingerprint, progress };
    await replaceFile(path.join(this.#directory, slot), encodeWeightsFile({ header, groups: tensors }), {
      temporary: path.join(this.#directory, TEMPORARY),
      flush: true,
    });
    this.#last = { slot, sequence };
  }
}
