import { verify } from './checksum.ts';
import type { Destination, VerifiedFile } from './destination.ts';
import type { BackboneFile } from './mobilenet.ts';
import type { Origin } from './origin.ts';

export interface FetchOptions {
  readonly files: readonly BackboneFile[];
  readonly origin: Origin;
  readonly destination: Destination;
  /** Called with the bytes of a file that are there. */
  readonly onProgress?: (file: BackboneFile, bytes: number) => void;
}

/**
 * Brings the files to their destination: all of them, verified, or none.
 *
 * @returns whether anything was fetched: false when they are there already
 * @throws Error when one cannot be had, or is not what was published
 */
export const fetchBackbone = async ({
  files,
  origin,
  destination,
  onProgress,
}: FetchOptions): Promise<boolean> => {
  if (await destination.holds(files)) return false;
  const verified: VerifiedFile[] = [];
  for (const file of files) {
    const content = await origin.read(file, (bytes) => onProgress?.(file, bytes));
    verify(file, content, origin.place(file));
    verified.push({ ...file, content });
  }
  await destination.put(verified);
  return true;
};
