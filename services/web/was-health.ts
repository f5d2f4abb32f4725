import type { Context } from 'hono';
import { z } from 'zod';
import { PATHS, WAS_HEALTH } from '../contract.ts';
import type { PassOnOptions } from './pass-on.ts';
import { wasUnavailable } from './was-client.ts';

const wasHealth = z.object({ message: z.literal(WAS_HEALTH.message) });

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** `GET /was/health`: whether the configured WAS answers. Visitors cannot choose another address. */
export const wasHealthRoute = ({ was, timeoutMs }: PassOnOptions) =>
  async function checkWas(context: Context) {
    const route = { method: 'GET', path: PATHS.health } as const;
    const { status, body } = await was.send({ ...route, headers: { accept: 'application/json' }, timeoutMs });
    if (status !== 200) throw wasUnavailable(`The WAS answered its health check with status ${status}.`);
    const health = wasHealth.safeParse(parseJson(String(body)));
    if (!health.success) throw wasUnavailable('What answered at the address of the WAS is not the WAS.');
    return context.json({ 'was-health': health.data }, 200, { 'Cache-Control': 'no-store' });
  };
