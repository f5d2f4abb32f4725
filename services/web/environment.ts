import { z } from 'zod';
import { WAS, WEB } from '../contract.ts';
import { serverEnvironment } from '../http/environment.ts';

const wasUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL', abort: true })
  .refine((url) => {
    const { username, password, search, hash } = new URL(url);
    return `${username}${password}${search}${hash}` === '';
  }, 'must have no user name, password, query or fragment')
  .transform((url) => url.replace(/\/+$/, ''));

/** The settings that the web service reads from its environment. */
export const webEnvironment = serverEnvironment({ defaultPort: WEB.port })
  .extend({
    /** Where the WAS is. */
    WAS_URL: wasUrl.default(`http://127.0.0.1:${WAS.port}`),
    /** The answer to `GET /version`; a deployment sets it to what it built. */
    VERSION: z.string().optional(),
    /** The version in package.json, which npm sets for every script that it runs. */
    npm_package_version: z.string().optional(),
  })
  .transform(({ VERSION, npm_package_version, ...rest }) => ({
    ...rest,
    VERSION: VERSION ?? npm_package_version ?? 'development',
  }));
