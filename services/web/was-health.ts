import type { Context } from 'hono';
import { z } from 'zod';
import { PATHS, WAS_HEALTH } from '../contract.ts';
import { ProblemError } from '../http/problem.ts';
import { readAnswer, type WasClientOptions, wasUnavailable } from './was-client.ts';

const wasHealth = z.object({ message: z.literal(WAS_HEALTH.message) });

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** `GET /was/health`: whether the configured WAS answers. No visitor can choose another. */
export const wasHealthRoute = ({ wasUrl, fetch, timeoutMs }: WasClientOptions) => {
  const ask = async () => {
    const answer = await fetch(`${wasUrl}${PATHS.health}`, {
      headers: { Accept: 'application/json' },
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = new TextDecoder().decode(await readAnswer(answer));
    if (!answer.ok) throw wasUnavailable(`The WAS answered its health check with status ${answer.status}.`);
    const health = wasHealth.safeParse(parseJson(text));
    if (!health.success) throw wasUnavailable('What answered at the address of the WAS is not the WAS.');
    return health.data;
  };

  const toProblem = (error: unknown): ProblemError => {
    if (error instanceof ProblemError) return error;
    const late = error instanceof DOMException && error.name === 'TimeoutError';
    return wasUnavailable(
      late ? `The WAS did not answer within ${timeoutMs} ms.` : 'The WAS cannot be reached.',
      error,
    );
  };

  return async function checkWas(context: Context) {
    const health = await ask().catch((error: unknown) => {
      throw toProblem(error);
    });
    return context.json({ 'was-health': health }, 200, { 'Cache-Control': 'no-store' });
  };
};
