import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { decodeTensorFile, encodeTensorFile } from '../training/tensor-file.ts';

/** What the features in a file are the features of. */
const headerSchema = z.object({ key: z.string(), content: z.string() });

/**
 * Features of photos on disk, one file for each photo. A file that was cut short, altered, moved, or made in another way
 * is not used.
 */
export class FeatureCache {
  readonly #directory: string;
  readonly #key: string;

  /**
   * @param directory where all features may lie, of any backbone
   * @param key what decides the features of a photo, besides the photo
   */
  constructor(directory: string, key: string) {
    this.#directory = path.join(directory, createHash('sha256').update(key).digest('hex').slice(0, 16));
    this.#key = key;
  }

  /**
   * @param content hash of the photo's pixels
   * @returns undefined when they are not there, or not to be trusted
   */
  async read(content: string): Promise<Float32Array | undefined> {
    // Whatever keeps the file from being read, the features can be computed again.
    const bytes = await readFile(path.join(this.#directory, content)).catch(() => undefined);
    const file = bytes && decodeTensorFile(bytes);
    const header = headerSchema.safeParse(file?.header);
    const isMeant = header.success && header.data.key === this.#key && header.data.content === content;
    return isMeant ? file?.groups['features']?.[0] : undefined;
  }

  /**
   * Puts the file in its place in one step, so that nobody reads half of it.
   *
   * @throws Error when the folder cannot be written to
   */
  async write(content: string, features: Float32Array): Promise<void> {
    const header: z.infer<typeof headerSchema> = { key: this.#key, content };
    const bytes = encodeTensorFile({ header, groups: { features: [features] } });
    const temporary = path.join(this.#directory, `${content}.${randomUUID()}`);
    try {
      await mkdir(this.#directory, { recursive: true });
      await writeFile(temporary, bytes);
      await rename(temporary, path.join(this.#directory, content));
    } catch (cause) {
      await rm(temporary, { force: true });
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(
        `The features cannot be kept in ${this.#directory} (${reason}). Give another folder, or none.`,
        { cause },
      );
    }
  }
}
