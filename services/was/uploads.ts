import type { Readable } from 'node:stream';
import { ProblemError, tooLarge } from '../http/problem.ts';
import { overloaded } from './queue.ts';

/** An upload makes progress each time this much arrives, so that a trickle does not count as progress. */
const PROGRESS_BYTES = 16 * 1024;
/** The minimum speed: progress within this time. */
const STALL_MS = 10_000;
/** When memory is short, an upload without progress for this long is evicted in favour of a new one. */
const YIELD_MS = 1_000;
/** Memory for a whole upload is allocated only after this much has arrived: a mere Content-Length costs nothing. */
const FIRST_BYTES = 64 * 1024;
/** A quarter of the memory is reserved for uploads smaller than this. */
const SMALL_BYTES = 1024 * 1024;

const tooSlow = () =>
  new ProblemError(
    'too-slow',
    'The upload stalled or was too slow. Send a smaller version of the photo, or try again where the connection is better.',
  );

const cutOff = (cause: unknown) =>
  new ProblemError('malformed-body', 'The upload was cut off before its end. Send it again.', { cause });

export interface ReceiveOptions {
  readonly source: Readable;
  /** Content-Length. @default - unknown, as with a chunked body */
  readonly length?: number | undefined;
  /** Largest body, in bytes. */
  readonly most: number;
  /** Memory is shared fairly between clients. */
  readonly client: string;
  /** Aborts it. */
  readonly signal: AbortSignal;
}

/** A body that is arriving or in use. */
class Upload {
  readonly client: string;
  readonly #length: number | undefined;
  bytes = 0;
  isWhole = false;
  progressAt = performance.now();
  /** Stops receiving it. */
  refuse: (problem: ProblemError) => void = () => {};
  #memory: Buffer = Buffer.alloc(0);
  #progressBytes = 0;

  constructor({ client, length }: Pick<ReceiveOptions, 'client' | 'length'>) {
    this.client = client;
    this.#length = length;
  }

  get body(): Buffer {
    return this.#memory.subarray(0, this.bytes);
  }

  /** @returns whether this is progress */
  append(chunk: Buffer): boolean {
    const bytes = this.bytes + chunk.length;
    if (this.bytes === 0 && chunk.length === this.#length) this.#memory = chunk;
    else {
      if (bytes > this.#memory.length) this.#grow(bytes);
      chunk.copy(this.#memory, this.bytes);
    }
    this.bytes = bytes;
    if (bytes - this.#progressBytes < PROGRESS_BYTES) return false;
    this.#progressBytes = bytes;
    this.progressAt = performance.now();
    return true;
  }

  #grow(atLeast: number): void {
    const whole = this.#length ?? 2 * this.#memory.length;
    const larger = atLeast <= FIRST_BYTES ? Math.min(whole, FIRST_BYTES) : whole;
    const grown = Buffer.allocUnsafeSlow(Math.max(larger, atLeast));
    this.body.copy(grown);
    this.#memory = grown;
  }
}

export interface UploadsOptions {
  /** Memory for all bodies together, in bytes. */
  readonly bytes: number;
}

/**
 * The request bodies in memory, from their first byte until they are released. The limit is in bytes received, not in
 * requests. At the limit, a stalled upload is evicted, or else the latest one of a client that holds more than half of
 * the memory; otherwise the new upload is refused.
 */
export class Uploads {
  readonly #most: number;
  readonly #held = new Set<Upload>();
  #bytes = 0;

  constructor({ bytes }: UploadsOptions) {
    this.#most = bytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Bodies in memory. */
  get count(): number {
    return this.#held.size;
  }

  /**
   * Reads a body to its end.
   *
   * @returns the body, and what releases its memory
   * @throws ProblemError `too-large`, `too-slow`, `overloaded` or `malformed-body`; whatever the signal aborts with
   */
  async receive(options: ReceiveOptions): Promise<{ body: Buffer; release: () => void }> {
    if ((options.length ?? 0) > options.most) throw tooLarge(options.most);
    const upload = new Upload(options);
    this.#held.add(upload);
    try {
      await this.#fill(upload, options);
      upload.isWhole = true;
      return { body: upload.body, release: () => this.#release(upload) };
    } catch (error) {
      this.#release(upload);
      throw error;
    }
  }

  #release(upload: Upload): void {
    if (this.#held.delete(upload)) this.#bytes -= upload.bytes;
  }

  /** Resolves when all of it has arrived. */
  #fill(upload: Upload, { source, most, signal }: ReceiveOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(stall);
        source.off('data', onData).off('end', onEnd).off('error', onBreak).off('close', onBreak);
        // Later errors do not matter, but must not crash the process.
        source.on('error', () => {});
        signal.removeEventListener('abort', onAbort);
      };
      const fail = (error: unknown) => {
        stop();
        reject(error);
      };
      const onData = (chunk: Buffer) => {
        try {
          if (upload.bytes + chunk.length > most) throw tooLarge(most);
          this.#take(upload, chunk.length);
          if (upload.append(chunk)) stall.refresh();
        } catch (error) {
          fail(error);
        }
      };
      const onEnd = () => {
        stop();
        resolve();
      };
      const onBreak = (cause?: unknown) => fail(cutOff(cause));
      const onAbort = () => fail(signal.reason);
      upload.refuse = fail;
      const stall = setTimeout(() => fail(tooSlow()), STALL_MS);
      source.on('data', onData).on('end', onEnd).on('error', onBreak).on('close', onBreak);
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) onAbort();
      else if (source.readableEnded) onEnd();
      else if (source.destroyed) onBreak(source.errored);
    });
  }

  #take(upload: Upload, bytes: number): void {
    const most = upload.bytes + bytes > SMALL_BYTES ? this.#most * 0.75 : this.#most;
    while (this.#bytes + bytes > most) {
      const other = this.#findEvictable(upload);
      if (!other) throw overloaded('More photos are arriving than fit into memory.', 1000);
      other.refuse(tooSlow());
      this.#release(other);
    }
    this.#bytes += bytes;
  }

  #findEvictable(newcomer: Upload): Upload | undefined {
    const arriving = [...this.#held].filter((upload) => !upload.isWhole && upload !== newcomer);
    const [slowest] = arriving.toSorted((a, b) => a.progressAt - b.progressAt);
    if (slowest && performance.now() - slowest.progressAt >= YIELD_MS) return slowest;
    const holdings = new Map<string, number>();
    for (const { client, bytes } of this.#held) holdings.set(client, (holdings.get(client) ?? 0) + bytes);
    return arriving.findLast(
      ({ client }) => client !== newcomer.client && (holdings.get(client) ?? 0) > this.#most / 2,
    );
  }
}
