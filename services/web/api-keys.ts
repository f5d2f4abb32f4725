import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { MiddlewareHandler } from 'hono';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { AppEnvironment } from '../http/app.ts';
import { ProblemError } from '../http/problem.ts';

/** The SHA-256 of each key by the key's name: who reads the store learns no key. A long random key needs no slow hash. */
const storeSchema = z.record(
  z.string().regex(/^[\w.-]{1,64}$/),
  z.string().regex(/^[0-9a-f]{64}$/i, 'give the SHA-256 of a key in hexadecimal'),
);

/** Reads the store: a JSON object of names and hashes. */
export type ReadStore = () => Promise<string>;

/** A store in a file. */
export const fileStore =
  (path: string): ReadStore =>
  () =>
    readFile(path, 'utf8');

/** A store in AWS Secrets Manager. The SDK takes 20 MiB of memory: without keys it is not loaded. */
export const secretStore = async (arn: string): Promise<ReadStore> => {
  const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
  const client = new SecretsManagerClient({});
  return async () => (await client.send(new GetSecretValueCommand({ SecretId: arn }))).SecretString ?? '';
};

const RENEWED_EVERY_MS = 60_000;

export interface ApiKeysOptions {
  readonly read: ReadStore;
  readonly log: Logger;
}

/**
 * The keys that may call, renewed each minute: a key that is added or taken away is known within a minute, without a
 * new deployment. Several at once allow for a rotation. A store that cannot be read leaves the last keys in force, at the
 * start none.
 *
 * @example
 * const shop = '21ac06bed03ec6c4b6301f50c21d6651fa59b5a01318583d753405e2526aecde';
 * const keys = new ApiKeys({ read: async () => JSON.stringify({ shop }), log });
 * await keys.renew();
 * keys.nameOf('bloom_secret'); // => 'shop'
 */
export class ApiKeys {
  readonly #read: ReadStore;
  readonly #log: Logger;
  #keys: readonly { readonly name: string; readonly hash: Buffer }[] = [];

  constructor({ read, log }: ApiKeysOptions) {
    this.#read = read;
    this.#log = log;
  }

  /** Reads the store, now and each minute from now on. */
  async start(): Promise<void> {
    await this.renew();
    setInterval(() => void this.renew(), RENEWED_EVERY_MS).unref();
  }

  async renew(): Promise<void> {
    try {
      const store = storeSchema.parse(JSON.parse(await this.#read()));
      this.#keys = Object.entries(store).map(([name, hash]) => ({ name, hash: Buffer.from(hash, 'hex') }));
    } catch (error) {
      // The error of a parser would quote the store.
      const why = error instanceof Error ? error.name : 'unknown';
      this.#log.error(
        { why, keys: this.#keys.length },
        'The API keys cannot be read: the last ones stay in force.',
      );
    }
  }

  /** The name of a key, if it may call. Takes as long for every key. */
  nameOf(key: string): string | undefined {
    const hash = createHash('sha256').update(key).digest();
    let found: string | undefined;
    for (const known of this.#keys) if (timingSafeEqual(known.hash, hash)) found = known.name;
    return found;
  }
}

const REALM = 'Bearer realm="bloomstack"';
const BEARER = /^Bearer +([\w.~+/-]+=*) *$/i;

/**
 * Middleware that lets requests with a known key pass (`Authorization: Bearer`, RFC 6750), and notes the key's name.
 *
 * @throws ProblemError `unauthorized`
 */
export const requireKey = (keys: ApiKeys): MiddlewareHandler<AppEnvironment> =>
  async function requireKey(context, next) {
    const shown = context.req.header('Authorization');
    const [, key] = BEARER.exec(shown ?? '') ?? [];
    const name = key && keys.nameOf(key);
    if (!name)
      throw new ProblemError(
        'unauthorized',
        shown === undefined
          ? 'This needs a key. Send it in the header "Authorization: Bearer KEY".'
          : 'This key is not known here, or not any more. Ask the operator for a new one.',
        { headers: { 'WWW-Authenticate': shown === undefined ? REALM : `${REALM}, error="invalid_token"` } },
      );
    context.set('caller', name);
    return next();
  };
