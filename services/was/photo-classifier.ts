import type { Readable } from 'node:stream';
import { PHOTO_BYTES } from '../../model/contract/tensors.ts';
import { type Classifications, MAX_BATCH_SIZE } from '../contract.ts';
import { ProblemError } from '../http/problem.ts';
import type { Classification, Classifier } from './classifier.ts';
import { Decoder } from './decoder.ts';
import { overloaded, WorkQueue } from './queue.ts';
import type { RequestScope } from './request-scope.ts';
import { readUpload, type UploadedFile, type UploadKind } from './upload.ts';
import { Uploads } from './uploads.ts';

/** From the end of an upload to its answer: less than `web` waits. */
const ANSWER_MS = 18_000;

/** Whose upload was let in is refused later only if its photo changes much: then work is lost. */
const LENIENCE = 1.25;

/** For so long the latest answer says what the model is; then it is asked once more. */
const MODEL_FRESH_MS = 30_000;

/** Of a millisecond; more digits say nothing. */
const tenths = (milliseconds: number) => Math.round(milliseconds * 10) / 10;

/** Who asks, and for how long. */
interface Asking {
  /** By address: clients take turns. */
  readonly client: string;
  readonly signal: AbortSignal;
  readonly requestId?: string | undefined;
}

export interface PhotoRequest {
  readonly client: string;
  readonly requestId?: string | undefined;
  readonly scope: RequestScope;
  readonly headers: Headers;
  readonly source: Readable;
}

/** What is to be waited for. */
interface Wanted {
  /** Of decoding. */
  readonly queue: WorkQueue;
  readonly cost: number;
  readonly client: string;
  /** @default 1 */
  readonly photos?: number;
}

/** What became of a photo: what it shows, or why that is not known. */
export type Outcome =
  | { readonly file: Buffer; readonly classification: Classification }
  | { readonly error: unknown };

export interface Classified {
  readonly outcomes: readonly Outcome[];
  readonly timings: Classifications['timings'];
}

export interface PhotoClassifierOptions {
  readonly classifier: Classifier;
  /** @default - as many places as there are processors, 2 at most */
  readonly decoder?: Decoder;
  /** Photos with the model; the others wait here, where no clock runs against them. @default - 16 at most side by side */
  readonly invocations?: WorkQueue;
  /** Bodies in memory. @default - 128 MiB */
  readonly uploads?: Uploads;
  /** Who would have to wait for longer than this, in milliseconds, is refused at once. @default 10_000 */
  readonly maxWaitMs?: number;
}

/** A photo that waits for its batch. */
type Decoded = { readonly index: number; readonly file: Buffer; readonly pixels: Uint8Array };

/** Takes requests from their upload to what the model says, within the bounds of all of them together. */
export class PhotoClassifier {
  readonly #options: Required<PhotoClassifierOptions>;
  #latest: { readonly classification: Classification; at: number } | undefined;

  constructor({
    classifier,
    decoder = new Decoder(),
    invocations = new WorkQueue({ places: 16, paceMs: 20, targetMs: 500 }),
    uploads = new Uploads({ bytes: 128 * 1024 * 1024 }),
    maxWaitMs = 10_000,
  }: PhotoClassifierOptions) {
    this.#options = { classifier, decoder, invocations, uploads, maxWaitMs };
  }

  #lateness(limitMs: number, { queue, cost, client, photos = 1 }: Wanted): ProblemError | undefined {
    const { decoder, invocations } = this.#options;
    const ahead = decoder.soon;
    const wait =
      queue.expectedWaitMs({ client, cost }) + invocations.expectedWaitMs({ client, cost: photos, ahead });
    if (wait <= limitMs) return undefined;
    return overloaded('More photos are waiting than can be answered in time.', wait);
  }

  /** Why not even the smallest photo of a client can be answered in time, if that is so. */
  refusal(client: string): ProblemError | undefined {
    const { decoder, maxWaitMs } = this.#options;
    return this.#lateness(maxWaitMs, { queue: decoder.small, cost: 0, client });
  }

  #refuseWhenLate(wanted: Wanted): void {
    const late = this.#lateness(this.#options.maxWaitMs * LENIENCE, wanted);
    if (late) throw late;
  }

  async #receive(
    { client, scope, headers, source }: PhotoRequest,
    kind: UploadKind,
  ): Promise<UploadedFile[]> {
    const { uploads, maxWaitMs } = this.#options;
    const { signal } = scope;
    const announced = headers.get('Content-Length');
    const length = announced === null ? undefined : Number(announced);
    const most = kind.mostBytes;
    const { body, release } = await uploads.receive({ source, length, most, client, signal });
    scope.hold(release);
    scope.startDeadline(ANSWER_MS, () => overloaded('The photo had to wait for too long.', maxWaitMs));
    return readUpload({ body, headers, kind, signal });
  }

  async #decode(file: Buffer, { client, signal }: Asking): Promise<Uint8Array> {
    const { decoder } = this.#options;
    const plan = decoder.plan(file);
    this.#refuseWhenLate({ ...plan, client });
    return decoder.read(file, plan, { client, signal });
  }

  async #invoke(photos: readonly Uint8Array[], { client, signal, requestId }: Asking) {
    const { classifier, invocations } = this.#options;
    const count = photos.length;
    const run = () => classifier.classify(photos, { signal, ...(requestId && { requestId }) });
    const classifications = await invocations.do({ client, cost: count, places: count, signal, run });
    const [classification] = classifications;
    if (!classification) throw new Error('The classifier has no answer.');
    this.#latest = { classification, at: performance.now() };
    return { classifications, classification };
  }

  /**
   * Classifies the photos of a request. They are decoded one after another, and as soon as there are enough for a batch it
   * goes to the model; the queue lets two at a time pass. A photo or a batch that fails leaves the others alone.
   *
   * @returns an outcome for each photo, in order
   */
  async classify(request: PhotoRequest, kind: UploadKind): Promise<Classified> {
    const began = performance.now();
    const { client, requestId } = request;
    const asking = { client, requestId, signal: request.scope.signal };
    const files = await this.#receive(request, kind);
    const received = performance.now();
    const { small } = this.#options.decoder;
    if (kind.isList) this.#refuseWhenLate({ queue: small, cost: 0, client, photos: files.length });
    const outcomes: Outcome[] = files.map(() => ({ error: new Error('The photo was left out.') }));
    const calls: Promise<void>[] = [];
    let batch: Decoded[] = [];
    let invoked: number | undefined;
    for (const [index, file] of files.entries()) {
      try {
        if (file instanceof ProblemError) throw file;
        batch.push({ index, file, pixels: await this.#decode(file, asking) });
      } catch (error) {
        outcomes[index] = { error };
      }
      if (batch.length < MAX_BATCH_SIZE && index < files.length - 1) continue;
      invoked ??= performance.now();
      calls.push(this.#classifyBatch(batch, outcomes, asking));
      batch = [];
    }
    const decoded = performance.now();
    await Promise.all(calls);
    const ended = performance.now();
    const timings = {
      receive: tenths(received - began),
      decode: tenths(decoded - received),
      invoke: tenths(ended - (invoked ?? ended)),
      total: tenths(ended - began),
    };
    return { outcomes, timings };
  }

  /** Never rejects: what goes wrong is the outcome of each photo. */
  async #classifyBatch(batch: readonly Decoded[], outcomes: Outcome[], asking: Asking): Promise<void> {
    if (batch.length === 0) return;
    const photos = batch.map(({ pixels }) => pixels);
    try {
      const { classifications } = await this.#invoke(photos, asking).catch((error: unknown) => {
        // Much of a batch's work is lost with it, and a full queue of the endpoint may have room the next moment.
        if (batch.length === 1 || !(error instanceof ProblemError) || asking.signal.aborted) throw error;
        return this.#invoke(photos, asking);
      });
      for (const [place, { index, file }] of batch.entries()) {
        const classification = classifications[place];
        if (classification) outcomes[index] = { file, classification };
      }
    } catch (error) {
      for (const { index } of batch) outcomes[index] = { error };
    }
  }

  /** The latest that the model has said, of any photo; asks it with a blank one when that is too long ago. */
  async describeModel(asking: Asking): Promise<Classification> {
    const known = this.#latest;
    if (known && performance.now() - known.at < MODEL_FRESH_MS) return known.classification;
    // Others need not ask meanwhile.
    if (known) known.at = performance.now();
    const asked = this.#invoke([new Uint8Array(PHOTO_BYTES)], asking).catch((error: unknown) => {
      if (!known) throw error;
      return known;
    });
    return (await asked).classification;
  }
}
