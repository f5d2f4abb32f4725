import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { MiddlewareHandler } from 'hono';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { AppEnvironment } from '../http/app.ts';
import { ProblemError } from '../http/problem.ts';

/** The SHA-256 of each key, by name: reading the store reveals no key. A long random key needs no slow hash. */
const storeSchema = z.record(
  z.string().regex(/^[\w.-]{1,64}$/),
  z.string().regex(/^[0-9a-f]{64}$/i, 'give the SHA-256 of a key in hexadecimal'),
);

/** Reads the store: a JSON object of hashes by name. */
export type ReadStore = () => Promise<string>;

export const fileStore =
  (path: string): ReadStore =>
  () =>
    readFile(path, 'utf8');

/** A store in AWS Secrets Manager. The SDK takes 20 MiB of memory, so it is only loaded when needed. */
export const secretStore = async (arn: string): Promise<ReadStore> => {
  const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
  const client = new SecretsManagerClient({});
  return async () => (await client.send(new GetSecretValueCommand({ SecretId: arn }))).SecretString ?? '';
};

const REFRESH_MS = 60_000;

export interface ApiKeysOptions {
  readonly read: ReadStore;
  readonly log: Logger;
}

/**
 * The valid API keys, reloaded every minute: adding or revoking one takes effect within a minute, without a deployment.
 * Several may be valid at once, for rotation. If the store cannot be read, the last known keys stay valid; at the start
 * there are none.
 *
 * @example
 * const shop = '21ac06bed03ec6c4b6301f50c21d6651fa59b5a01318583d753405e2526aecde';
 * const keys = new ApiKeys({ read: async () => JSON.stringify({ shop }), log });
 * await keys.renew();
 * keys.findName('bloom_secret'); // => 'shop'
 */
export class ApiKeys {
  readonly #read: ReadStore;
  readonly #log: Logger;
  #keys: readonly { readonly name: string; readonly hash: Buffer }[] = [];

  constructor({ read, log }: ApiKeysOptions) {
    this.#read = read;
    this.#log = log;
  }

  /** Reads the store now and then every minute. */
  async start(): Promise<void> {
    await this.renew();
    setInterval(() => void this.renew(), REFRESH_MS).unref();
  }

  async renew(): Promise<void> {
    try {
      const store = storeSchema.parse(JSON.parse(await this.#read()));
      this.#keys = Object.entries(store).map(([name, hash]) => ({ name, hash: Buffer.from(hash, 'hex') }));
    } catch (error) {
      // A parser's message would quote the store.
      const why = error instanceof Error ? error.name : 'unknown';
      this.#log.error(
        { why, keys: this.#keys.length },
        'The API keys cannot be read: the last known ones stay valid.',
      );
    }
  }

  /** The name of a valid key. Takes the same time for every key. */
  findName(key: string): string | undefined {
    const hash = createHash('sha256').update(key).digest();
    let found: string | undefined;
    for (const known of this.#keys) if (timingSafeEqual(known.hash, hash)) found = known.name;
    return found;
  }
}

const REALM = 'Bearer realm="bloomstack"';
const BEARER = /^Bearer +([\w.~+/-]+=*) *$/i;

/**
 * Middleware that requires a valid key (`Authorization: Bearer`, RFC 6750), and records the key's name.
 *
 * @throws ProblemError `unauthorized`
 */
export const requireKey = (keys: ApiKeys): MiddlewareHandler<AppEnvironment> =>
  async function requireKey(context, next) {
    const shown = context.req.header('Authorization');
    const [, key] = BEARER.exec(shown ?? '') ?? [];
    const name = key && keys.findName(key);
    if (!name)
      throw new ProblemError(
        'unauthorized',
        shown === undefined
          ? 'This needs an API key. Send it in the header "Authorization: Bearer KEY".'
          : 'This API key is not valid, or no longer valid. Ask the operator for a new one.',
        { headers: { 'WWW-Authenticate': shown === undefined ? REALM : `${REALM}, error="invalid_token"` } },
      );
    context.set('caller', name);
    return next();
  };
