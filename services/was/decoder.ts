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

/** The module next to this one, as source or compiled. */
const PROCESS_FILE = fileURLToPath(
  new URL(`./decoder-process.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
);

/** Below the priority of the service itself and its other photos (`man 2 setpriority`). */
const NICENESS = 5;
/** An idle process is killed after this time; starting one takes a few tenths of a second. */
const IDLE_MS = 10_000;
/** A decoding is killed when it takes this many times the CPU time estimated from its header. */
const MAX_OVERRUN = 3;

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

/** A process that decodes photos one at a time and can be killed in the middle of one; libvips cannot be interrupted. */
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
      // Uploads are untrusted: an exploit must not find credentials.
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

  /** Kills it at once, whatever it is doing. */
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
      // It kills itself when it takes too long; the system kills it when memory runs out.
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
      else child.send({ file, cpuMs: MAX_OVERRUN * (100 + milliseconds) } satisfies DecodeMessage);
    });
  }
}

export interface DecoderOptions {
  /** Photos decoded at a time in each of the two cheaper lanes. @default one per processor, 2 at most */
  readonly slots?: number;
  /** A costly photo gets no more time than this, however busy the machine is. @default 14 s */
  readonly maxWallMs?: number;
}

export interface DecodeOptions {
  /** Whose photo it is. */
  readonly client: string;
  readonly signal: AbortSignal;
}

/**
 * Decodes photos in three lanes, so that no photo waits for others that take much longer than itself. Small and cheap
 * photos, nearly all, are decoded in this process. Costly ones are decoded one at a time in another process, which is
 * killed when it takes too long; that also frees its memory.
 */
export class Decoder {
  readonly small: WorkQueue;
  readonly cheap: WorkQueue;
  readonly costly = new WorkQueue({ slots: 1, paceMs: 1.5 });
  readonly #process: DecoderProcess;

  constructor({ slots = Math.min(2, availableParallelism()), maxWallMs = 14_000 }: DecoderOptions = {}) {
    this.#process = new DecoderProcess(maxWallMs);
    this.small = new WorkQueue({ slots, paceMs: 1 });
    this.cheap = new WorkQueue({ slots, paceMs: 1 });
  }

  /** Photos that will soon be ready for the model. */
  get soon(): number {
    return this.small.waiting + this.small.running + this.cheap.waiting + this.cheap.running;
  }

  #lane(header: PhotoHeader): WorkQueue {
    if (isSmall(header)) return this.small;
    return isCheap(header) ? this.cheap : this.costly;
  }

  /**
   * Checks a photo by its header, and chooses its lane.
   *
   * @throws ProblemError when the photo is not acceptable
   */
  plan(file: Uint8Array) {
    try {
      const header = checkPhoto(file);
      // Every photo has a fixed cost, too.
      return { header, queue: this.#lane(header), cost: 2 + header.milliseconds };
    } catch (error) {
      throw toError(error);
    }
  }

  /** @throws ProblemError when the photo cannot be decoded */
  async read(
    file: Uint8Array,
    { header, queue, cost }: ReturnType<Decoder['plan']>,
    { client, signal }: DecodeOptions,
  ): Promise<Uint8Array> {
    const run = () =>
      queue === this.costly ? this.#process.read(file, header, signal) : readPhoto(file, header);
    return queue.do({ client, cost, signal, run }).catch((error: unknown) => {
      throw toError(error);
    });
  }
}
