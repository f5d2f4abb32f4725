import type { MiddlewareHandler } from 'hono';
import type { AppEnvironment } from '../http/app.ts';
import { ProblemError } from '../http/problem.ts';

const WINDOW_SECONDS = 60;
const POLICY = 'photos';

interface Window {
  readonly endsAt: number;
  photos: number;
}

/**
 * The RateLimit fields of draft-ietf-httpapi-ratelimit-headers-11. As it is not final, only this function writes them.
 *
 * @param limit photos per minute
 */
const rateLimitFields = (limit: number, { endsAt, photos }: Window) => {
  const seconds = Math.max(0, Math.ceil((endsAt - Date.now()) / 1000));
  return {
    'RateLimit-Policy': `"${POLICY}";q=${limit};w=${WINDOW_SECONDS}`,
    RateLimit: `"${POLICY}";r=${Math.max(0, limit - photos)};t=${seconds}`,
  };
};

/**
 * Middleware that limits each key, in photos: a request with ten counts as ten. Each task counts on its own, so with
 * two tasks a key gets up to twice as many; the hard limit is the firewall's.
 *
 * @param limit photos per minute that one key may send to this process
 * @throws ProblemError `rate-limited`
 */
export const limitPhotos = (limit: number): MiddlewareHandler<AppEnvironment> => {
  const windows = new Map<string, Window>();
  const currentWindow = (caller: string): Window => {
    const known = windows.get(caller);
    if (known && known.endsAt > Date.now()) return known;
    const window = { endsAt: Date.now() + WINDOW_SECONDS * 1000, photos: 0 };
    windows.set(caller, window);
    return window;
  };
  return async function limitPhotos(context, next) {
    const caller = context.get('caller');
    if (caller === undefined || context.req.method !== 'POST') return next();
    const window = currentWindow(caller);
    if (window.photos >= limit) {
      // Jitter: clients that all return at once would be refused again.
      const retryAfter = Math.ceil((window.endsAt - Date.now()) / 1000 + Math.random() * 5);
      throw new ProblemError(
        'rate-limited',
        `This key may send ${limit} photos per minute. Try again in ${retryAfter} seconds.`,
        {
          retryAfter,
          headers: rateLimitFields(limit, window),
          korean: `이 키로는 1분에 사진 ${limit}장을 보낼 수 있습니다. ${retryAfter}초 뒤에 다시 시도해 주세요.`,
          violatedPolicies: [POLICY],
        },
      );
    }
    window.photos += 1;
    await next();
    // The number of photos is known once the request has been read.
    window.photos += Math.max(0, (context.get('measured').photos ?? 1) - 1);
    for (const [name, value] of Object.entries(rateLimitFields(limit, window))) context.header(name, value);
  };
};
