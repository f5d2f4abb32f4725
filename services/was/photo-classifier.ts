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

/** Time from the end of an upload to its answer: less than the timeout of `web`. */
const ANSWER_MS = 18_000;

/** After an upload, the limit is higher, because a refusal then wastes work. */
const LENIENCE = 1.25;

/** How long the latest answer is used to describe the model; then it is invoked again. */
const MODEL_FRESH_MS = 30_000;

const tenths = (milliseconds: number) => Math.round(milliseconds * 10) / 10;

/** Who a request is from, and how long it lasts. */
interface Requester {
  /** The client's address: clients take turns. */
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

/** The work whose waiting time is estimated. */
interface PendingWork {
  readonly queue: WorkQueue;
  readonly cost: number;
  readonly client: string;
  /** @default 1 */
  readonly photos?: number;
}

/** The result of a photo: its classification, or an error. */
export type Outcome =
  | { readonly file: Buffer; readonly classification: Classification }
  | { readonly error: unknown };

export interface Classified {
  readonly outcomes: readonly Outcome[];
  readonly timings: Classifications['timings'];
}

export interface PhotoClassifierOptions {
  readonly classifier: Classifier;
  /** @default - one slot per processor, 2 at most */
  readonly decoder?: Decoder;
  /** Limits the photos that the model processes at a time; others wait here, before its timeout starts. @default - 16 */
  readonly invocations?: WorkQueue;
  /** Request bodies in memory. @default - 128 MiB */
  readonly uploads?: Uploads;
  /** A request that would have to wait longer than this, in milliseconds, is refused at once. @default 10_000 */
  readonly maxWaitMs?: number;
}

/** A photo that is waiting for its batch. */
type Decoded = { readonly index: number; readonly file: Buffer; readonly pixels: Uint8Array };

/** Takes requests from upload to classification, within the service's limits. */
export class PhotoClassifier {
  readonly #options: Required<PhotoClassifierOptions>;
  #latest: { readonly classification: Classification; at: number } | undefined;

  constructor({
    classifier,
    decoder = new Decoder(),
    invocations = new WorkQueue({ slots: 16, paceMs: 20, targetMs: 500 }),
    uploads = new Uploads({ bytes: 128 * 1024 * 1024 }),
    maxWaitMs = 10_000,
  }: PhotoClassifierOptions) {
    this.#options = { classifier, decoder, invocations, uploads, maxWaitMs };
  }

  #lateness(limitMs: number, { queue, cost, client, photos = 1 }: PendingWork): ProblemError | undefined {
    const { decoder, invocations } = this.#options;
    const ahead = decoder.soon;
    const wait =
      queue.expectedWaitMs({ client, cost }) + invocations.expectedWaitMs({ client, cost: photos, ahead });
    if (wait <= limitMs) return undefined;
    return overloaded('More photos are waiting than can be classified in time.', wait);
  }

  /** The problem if not even a client's smallest photo can be classified in time. */
  refusal(client: string): ProblemError | undefined {
    const { decoder, maxWaitMs } = this.#options;
    return this.#lateness(maxWaitMs, { queue: decoder.small, cost: 0, client });
  }

  #refuseWhenLate(work: PendingWork): void {
    const late = this.#lateness(this.#options.maxWaitMs * LENIENCE, work);
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
    const most = kind.maxBytes;
    const { body, release } = await uploads.receive({ source, length, most, client, signal });
    scope.hold(release);
    scope.startDeadline(ANSWER_MS, () => overloaded('The photo had to wait too long.', maxWaitMs));
    return readUpload({ body, headers, kind, signal });
  }

  async #decode(file: Buffer, { client, signal }: Requester): Promise<Uint8Array> {
    const { decoder } = this.#options;
    const plan = decoder.plan(file);
    this.#refuseWhenLate({ ...plan, client });
    return decoder.read(file, plan, { client, signal });
  }

  async #invoke(photos: readonly Uint8Array[], { client, signal, requestId }: Requester) {
    const { classifier, invocations } = this.#options;
    const count = photos.length;
    const run = () => classifier.classify(photos, { signal, ...(requestId && { requestId }) });
    const classifications = await invocations.do({ client, cost: count, slots: count, signal, run });
    const [classification] = classifications;
    if (!classification) throw new Error('The classifier returned no answer.');
    this.#latest = { classification, at: performance.now() };
    return { classifications, classification };
  }

  /**
   * Classifies the photos of a request. They are decoded one after another, and each full batch goes to the model at
   * once; the queue lets two through at a time. A photo or a batch that fails does not affect the others.
   *
   * @returns an outcome for each photo, in order
   */
  async classify(request: PhotoRequest, kind: UploadKind): Promise<Classified> {
    const began = performance.now();
    const { client, requestId } = request;
    const requester = { client, requestId, signal: request.scope.signal };
    const files = await this.#receive(request, kind);
    const received = performance.now();
    const { small } = this.#options.decoder;
    if (kind.isList) this.#refuseWhenLate({ queue: small, cost: 0, client, photos: files.length });
    const outcomes: Outcome[] = files.map(() => ({ error: new Error('The photo was not classified.') }));
    const calls: Promise<void>[] = [];
    let batch: Decoded[] = [];
    let invoked: number | undefined;
    for (const [index, file] of files.entries()) {
      try {
        if (file instanceof ProblemError) throw file;
        batch.push({ index, file, pixels: await this.#decode(file, requester) });
      } catch (error) {
        outcomes[index] = { error };
      }
      if (batch.length < MAX_BATCH_SIZE && index < files.length - 1) continue;
      invoked ??= performance.now();
      calls.push(this.#classifyBatch(batch, outcomes, requester));
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

  /** Never rejects: an error becomes the outcome of each photo. */
  async #classifyBatch(batch: readonly Decoded[], outcomes: Outcome[], requester: Requester): Promise<void> {
    if (batch.length === 0) return;
    const photos = batch.map(({ pixels }) => pixels);
    try {
      const { classifications } = await this.#invoke(photos, requester).catch((error: unknown) => {
        // Losing a batch wastes much work, and an endpoint whose queue is full may have room the next moment.
        if (batch.length === 1 || !(error instanceof ProblemError) || requester.signal.aborted) throw error;
        return this.#invoke(photos, requester);
      });
      for (const [place, { index, file }] of batch.entries()) {
        const classification = classifications[place];
        if (classification) outcomes[index] = { file, classification };
      }
    } catch (error) {
      for (const { index } of batch) outcomes[index] = { error };
    }
  }

  /** The latest classification of any photo; if it is too old, classifies a blank one. */
  async describeModel(requester: Requester): Promise<Classification> {
    const known = this.#latest;
    if (known && performance.now() - known.at < MODEL_FRESH_MS) return known.classification;
    // Other requests need not invoke the model meanwhile.
    if (known) known.at = performance.now();
    const asked = this.#invoke([new Uint8Array(PHOTO_BYTES)], requester).catch((error: unknown) => {
      if (!known) throw error;
      return known;
    });
    return (await asked).classification;
  }
}
