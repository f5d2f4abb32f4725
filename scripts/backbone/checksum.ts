import { createHash } from 'node:crypto';
import type { BackboneFile } from './mobilenet.ts';

/** Hex. */
export const sha256Of = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

/**
 * @param place that it was read from
 * @throws Error when it is not the very file that was published
 */
export const verify = (file: BackboneFile, content: Uint8Array, place: string): void => {
  const got = sha256Of(content);
  if (got === file.sha256) return;
  throw new Error(
    `${place} is not the ${file.name} that was published: its SHA-256 is ${got} (${content.length} bytes), ` +
      `expected is ${file.sha256} (${file.bytes} bytes). Nothing was put in place. It may have been changed or cut off, ` +
      'or a proxy answered instead: look at what is there, or give another place of the same files with --from.',
  );
};
