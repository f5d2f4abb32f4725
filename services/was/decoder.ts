import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { PhotoError } from '../../model/photo/format.ts';
import type { PhotoHeader } from '../../model/photo/inspect.ts';
import { checkPhoto, isCheap, isSmall, readPhoto } from '../../model/photo/read-photo.ts';
import { ProblemError } from '../http/problem.ts';
import type { DecodeMessage } from './decoder-process.ts';
import { WorkQueue } from './queue.ts';

/** The source, or what is compiled of it, beside this very module. */
const PROCESS_FILE = fileURLToPath(
  new URL(`./decoder-process.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
);

/** Other photos, and the service itself, come first (`man 2 setpriority`). */
const NICENESS = 5;
/** An idle process is ended after this time; starting one takes some tenths of a second. */
const IDLE_MS = 10_000;
/** A decoding that takes this many times the CPU estimated from its header is given up. */
const PATIENCE = 3;

const replySchema = z.union([
  z.object({ pixels: z.instanceof(Uint8Array) }),
  z.object({ code: z.enum(['too-costly', 'unreadable']), message: z.string() }),
]);

const tooCostly = () =>
  new PhotoError(
    'too-costly',
    'Decoding the photo took too much time. Send it as an ordinary JPEG, or a smaller version of it.',
  );

const toError = (error: unknown): unknown =>
  error instanceof PhotoError ? new ProblemError(error.code, error.message, { cause: error }) : error;

/** A process that decodes photos one at a time, and can be ended in the middle of one; libvips itself cannot. */
class DecoderProcess {
  readonly #maxWallMs: number;
  #child: ChildProcess | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(maxWallMs: number) {
    this.#maxWallMs = maxWallMs;
  }

  #start(): ChildProcess {
    const { NODE_ENV, PATH, TMPDIR } = process.env;
    const child = fork(PROCESS_FILE, {
      serialization: 'advanced',
      // What is decoded here is of strangers: it is not to find credentials.
      env: { NODE_ENV, PATH, TMPDIR, VIPS_BLOCK_UNTRUSTED: '1', UV_THREADPOOL_SIZE: '1' },
    });
    if (child.pid !== undefined) setPriority(child.pid, NICENESS);
    child
      .on('error', () => {})
      .once('exit', () => {
        if (this.#child === child) this.#child = undefined;
      });
    return child;
  }

  /** Ends it, at once, whatever it does. */
  kill(): void {
    clearTimeout(this.#idle);
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  read(file: Uint8Array, { milliseconds }: PhotoHeader, signal: AbortSignal): Promise<Uint8Array> {
    clearTimeout(this.#idle);
    this.#child ??= this.#start();
    const child = this.#child;
    child.ref();
    child.channel?.ref();
    return new Promise((resolve, reject) => {
      const giveUp = (reason: unknown) => {
        stop();
        this.kill();
        reject(reason);
      };
      const onMessage = (message: unknown) => {
        stop();
        const reply = replySchema.parse(message);
        if ('pixels' in reply) resolve(reply.pixels);
        else reject(new PhotoError(reply.code, reply.message));
      };
      // It ends itself when it has taken too long; the system ends it when it takes more memory than there is.
      const onEnd = (cause: unknown) => giveUp(Object.assign(tooCostly(), { cause }));
      const onAbort = () => giveUp(signal.reason);
      const deadline = setTimeout(() => giveUp(tooCostly()), this.#maxWallMs);
      const stop = () => {
        clearTimeout(deadline);
        child.off('message', onMessage).off('exit', onEnd).off('error', onEnd);
        signal.removeEventListener('abort', onAbort);
        child.unref();
        child.channel?.unref();
        this.#idle = setTimeout(() => this.kill(), IDLE_MS).unref();
      };
      child.on('message', onMessage).on('exit', onEnd).on('error', onEnd);
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) onAbort();
      else child.send({ file, cpuMs: PATIENCE * (100 + milliseconds) } satisfies DecodeMessage);
    });
  }
}

export interface DecoderOptions {
  /** Photos of each of the two cheap lanes that are decoded side by side. @default one for each processor, 2 at most */
  readonly places?: number;
  /** A dear photo is waited for no longer than this, however busy the machine is. @default 14 s */
  readonly maxWallMs?: number;
}

export interface DecodeOptions {
  /** Whose photo it is. */
  readonly client: string;
  readonly signal: AbortSignal;
}

/**
 * Decodes photos in three lanes, so that no photo waits for others that take much longer than itself. Small and cheap
 * ones, nearly all, are decoded in this process; the dear ones one at a time in another, which is ended when it takes too
 * long: then its memory is free again.
 */
export class Decoder {
  readonly small: WorkQueue;
  readonly cheap: WorkQueue;
  readonly dear = new WorkQueue({ places: 1, paceMs: 1.5 });
  readonly #process: DecoderProcess;

  constructor({ places = Math.min(2, availableParallelism()), maxWallMs = 14_000 }: DecoderOptions = {}) {
    this.#process = new DecoderProcess(maxWallMs);
    this.small = new WorkQueue({ places, paceMs: 1 });
    this.cheap = new WorkQueue({ places, paceMs: 1 });
  }

  /** Photos whose turn at the model comes soon. */
  get soon(): number {
    return this.small.waiting + this.small.running + this.cheap.waiting + this.cheap.running;
  }

  #lane(header: PhotoHeader): WorkQueue {
    if (isSmall(header)) return this.small;
    return isCheap(header) ? this.cheap : this.dear;
  }

  /**
   * Checks a photo by its header, and says where it will be decoded.
   *
   * @throws ProblemError the photo's
   */
  plan(file: Uint8Array) {
    try {
      const header = checkPhoto(file);
      // Each has a cost that does not depend on its pixels.
      return { header, queue: this.#lane(header), cost: 2 + header.milliseconds };
    } catch (error) {
      throw toError(error);
    }
  }

  /** @throws ProblemError the photo's */
  async read(
    file: Uint8Array,
    { header, queue, cost }: ReturnType<Decoder['plan']>,
    { client, signal }: DecodeOptions,
  ): Promise<Uint8Array> {
    const run = () =>
      queue === this.dear ? this.#process.read(file, header, signal) : readPhoto(file, header);
    return queue.do({ client, cost, signal, run }).catch((error: unknown) => {
      throw toError(error);
    });
  }
}
