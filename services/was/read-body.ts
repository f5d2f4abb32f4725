import { MAX_PHOTO_BYTES } from '../../model/photo/format.ts';
import { MAX_BODY_BYTES } from '../contract/body-limit.ts';
import { ProblemError } from '../http/problem.ts';
import type { UploadMemory } from './upload-memory.ts';

const tooLarge = () =>
  new ProblemError(
    'too-large',
    `The request is larger than ${MAX_BODY_BYTES} bytes; a photo may have ${MAX_PHOTO_BYTES}. Send a smaller version of it.`,
  );

const brokenOff = (cause: unknown) =>
  new ProblemError('malformed-body', 'The upload broke off before its end. Send it again.', { cause });

/**
 * Reads a body to its end and hands it on; it counts as memory in use until `use` is done.
 *
 * @throws ProblemError `too-large`, `overloaded` or `malformed-body`
 */
export const withBody = async <T>(
  { headers, body }: Request,
  memory: UploadMemory,
  use: (body: Buffer) => Promise<T>,
): Promise<T> => {
  if (Number(headers.get('Content-Length')) > MAX_BODY_BYTES) throw tooLarge();
  let bytes = 0;
  const receive = async (): Promise<Buffer> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body ?? []) {
      if (bytes + chunk.byteLength > MAX_BODY_BYTES) throw tooLarge();
      memory.take(chunk.byteLength);
      bytes += chunk.byteLength;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  };
  try {
    const received = await receive().catch((error: unknown) => {
      throw error instanceof ProblemError ? error : brokenOff(error);
    });
    return await use(received);
  } finally {
    memory.give(bytes);
  }
};
