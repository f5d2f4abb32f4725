import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { z } from 'zod';
import { PHOTO_CHANNELS, PHOTO_SIDE } from '../../model/contract/tensors.ts';
import { PhotoError } from '../../model/photo/format.ts';
import { readPhoto } from '../../model/photo/read-photo.ts';
import { answerSchema, PATHS, problemSchema } from '../../services/contract.ts';

const failure = problemSchema.pick({ code: true, detail: true }).partial({ code: true });

/** The result of a photo: an answer or a problem. */
export const outcomeSchema = z.union([answerSchema, z.object({ problem: failure })]);
export type ClassifyOutcome = z.infer<typeof outcomeSchema>;

/** An outcome, and whether it is final: sending the photo again would not change it. */
interface Classified {
  readonly outcome: ClassifyOutcome;
  readonly final: boolean;
}

export interface ClientOptions {
  /** Address of `web`. */
  readonly url: string;
  /** Sent as `Authorization: Bearer`. */
  readonly key?: string | undefined;
  /** Sends the file unchanged instead of the 224 x 224 pixels that the model sees. */
  readonly whole: boolean;
  /** Maximum number of photos in flight. */
  readonly concurrency: number;
}

/** Attempts before a photo counts as failed. */
const ATTEMPTS = 8;
const ANSWER_TIMEOUT_MS = 60_000;
const LONGEST_PAUSE_SECONDS = 60;

/** Statuses after which a retry may succeed: too many requests, or a service that is down. */
const RETRIED = new Set([429, 502, 503, 504]);

/** The pixels that the model sees, as a lossless file: the service decodes it to the same pixels. */
const shrink = async (file: Uint8Array): Promise<Uint8Array> => {
  const size = { width: PHOTO_SIDE, height: PHOTO_SIDE, channels: PHOTO_CHANNELS } as const;
  return sharp(await readPhoto(file), { raw: size })
    .png()
    .toBuffer();
};

/** Pause before the next attempt, in milliseconds: what the service asks for, or exponential backoff. */
const pauseMs = (response: Response | undefined, attempt: number): number => {
  const requested = z.coerce
    .number()
    .min(0)
    .safeParse(response?.headers.get('Retry-After') ?? undefined).data;
  return 1000 * Math.min(LONGEST_PAUSE_SECONDS, requested ?? Math.random() * 2 ** attempt);
};

/**
 * Posts photos, adapting the concurrency to the service: one more after each round of answers, half as many after an
 * overload (additive increase, multiplicative decrease).
 */
export class ClassifyClient {
  readonly #options: ClientOptions;
  #limit: number;
  #changedAt = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#limit = Math.min(4, options.concurrency);
  }

  /** The current limit of photos in flight. */
  get concurrency(): number {
    return Math.floor(this.#limit);
  }

  /** @throws Error if there is no such service at the address */
  async checkService(): Promise<void> {
    const { url } = this.#options;
    const health = fetch(new URL(PATHS.health, url), { signal: AbortSignal.timeout(10_000) });
    const response = await health.catch((cause: unknown) => {
      const advice = 'Start one with npm start, or name another with --url.';
      throw new Error(`No service answers at ${url}. ${advice}`, { cause });
    });
    await response.body?.cancel();
    if (!response.ok)
      throw new Error(`${url} answers ${response.status} to ${PATHS.health}. Is it the web service?`);
  }

  /** Classifies one photo. Problems are outcomes, not errors. */
  async classify(file: Uint8Array): Promise<Classified> {
    let body = file;
    if (!this.#options.whole) {
      try {
        body = await shrink(file);
      } catch (error) {
        if (!(error instanceof PhotoError)) throw error;
        return { outcome: { problem: { code: error.code, detail: error.message } }, final: true };
      }
    }
    for (let attempt = 1; ; attempt++) {
      const sentAt = performance.now();
      const response = await this.#post(body);
      if (response && !RETRIED.has(response.status)) {
        if (response.ok) this.#grow();
        return { outcome: await this.#read(response), final: true };
      }
      this.#shrinkLimit(sentAt);
      if (attempt === ATTEMPTS) {
        const detail = `No answer after ${ATTEMPTS} attempts. Is the service still running?`;
        return { outcome: response ? await this.#read(response) : { problem: { detail } }, final: false };
      }
      await response?.body?.cancel();
      await sleep(pauseMs(response, attempt));
    }
  }

  /** @returns `undefined` if there was no answer */
  async #post(body: Uint8Array): Promise<Response | undefined> {
    const { url, key } = this.#options;
    return fetch(new URL(PATHS.classify, url), {
      method: 'POST',
      body: Buffer.from(body),
      headers: { 'Content-Type': 'image/*', ...(key ? { Authorization: `Bearer ${key}` } : {}) },
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    }).catch(() => undefined);
  }

  async #read(response: Response): Promise<ClassifyOutcome> {
    const body: unknown = await response.json().catch(() => undefined);
    const answer = answerSchema.safeParse(body).data;
    if (response.ok && answer) return answer;
    const detail = `The service answered ${response.status}, in a format that this version does not know.`;
    return { problem: failure.safeParse(body).data ?? { detail } };
  }

  #grow(): void {
    this.#limit = Math.min(this.#options.concurrency, this.#limit + 1 / this.#limit);
  }

  /** Photos that were in flight together are refused together, which counts once. */
  #shrinkLimit(sentAt: number): void {
    if (sentAt < this.#changedAt) return;
    this.#changedAt = performance.now();
    this.#limit = Math.max(1, this.#limit / 2);
  }
}
