import { MAX_BODY_BYTES } from '../contract.ts';
import { ProblemError, tooLarge } from '../http/problem.ts';
import type { MemoryBudget } from './overload.ts';

export interface ReadBodyOptions<T> {
  readonly request: Request;
  /** Counts the body for as long as it is in use. */
  readonly memory: MemoryBudget;
  readonly use: (body: Buffer) => Promise<T>;
}

/**
 * Reads a body to its end and passes it on; it counts as memory in use until `use` is done.
 *
 * @throws ProblemError `too-large`, `overloaded` or `malformed-body`
 * @example
 * const request = new Request('http://was.test', { method: 'POST', body: 'a photo' });
 * const memory = new MemoryBudget({ bytes: 1000 });
 * await readBody({ request, memory, use: async (body) => body.byteLength }); // => 7
 */
export const readBody = async <T>({ request, memory, use }: ReadBodyOptions<T>): Promise<T> => {
  if (Number(request.headers.get('Content-Length')) > MAX_BODY_BYTES) throw tooLarge();
  let bytes = 0;
  const receive = async (): Promise<Buffer> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request.body ?? []) {
      if (bytes + chunk.byteLength > MAX_BODY_BYTES) throw tooLarge();
      memory.acquire(chunk.byteLength);
      bytes += chunk.byteLength;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  };
  try {
    const body = await receive().catch((cause: unknown) => {
      if (cause instanceof ProblemError) throw cause;
      throw new ProblemError('malformed-body', 'The upload broke off before its end. Send it again.', {
        cause,
      });
    });
    return await use(body);
  } finally {
    memory.release(bytes);
  }
};
