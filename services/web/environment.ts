import { z } from 'zod';
import { WAS, WEB } from '../contract.ts';
import { serverEnvironment } from '../http/environment.ts';

const wasUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL', abort: true })
  .refine((url) => {
    const { username, password, search, hash } = new URL(url);
    return `${username}${password}${search}${hash}` === '';
  }, 'must not have a user name, password, query or fragment')
  .transform((url) => url.replace(/\/+$/, ''));

const origin = z
  .url({ protocol: /^https?$/, error: 'must be origins such as https://shop.example.com' })
  .refine(
    (url) => new URL(url).origin === url,
    'must be origins: no path, no trailing slash, no default port',
  );

/** The settings that the web service reads from its environment. */
export const webEnvironment = serverEnvironment({ defaultPort: WEB.port })
  .extend({
    /** Where the WAS is. */
    WAS_URL: wasUrl.default(`http://127.0.0.1:${WAS.port}`),
    /** The answer to `GET /version`; a deployment sets it to what was built. */
    VERSION: z.string().optional(),
    /** A JSON file of SHA-256 hashes by name, of the keys for `/v1/*`. Without this or the next variable no key is needed. */
    API_KEYS_FILE: z.string().min(1).optional(),
    /** ARN of a secret with the same content, in AWS Secrets Manager. */
    API_KEYS_SECRET: z.string().startsWith('arn:').optional(),
    /** Whether `POST /classify/image`, which the page uses, needs no key where `/v1/*` does. */
    OPEN_PAGE: z
      .enum(['true', 'false'])
      .default('true')
      .transform((open) => open === 'true'),
    /** Photos per minute that each key may send to this process. */
    PHOTOS_PER_MINUTE: z.coerce.number().int().positive().default(600),
    /** Origins, separated by commas, whose pages may call the API from a browser. */
    CORS_ORIGINS: z
      .string()
      .default('')
      .transform((text) =>
        text
          .split(',')
          .map((origin) => origin.trim())
          .filter(Boolean),
      )
      .pipe(z.array(origin)),
    /** The version in package.json, which npm sets for every script that it runs. */
    npm_package_version: z.string().optional(),
  })
  .transform(({ VERSION, npm_package_version, ...rest }) => ({
    ...rest,
    VERSION: VERSION ?? npm_package_version ?? 'development',
  }));
