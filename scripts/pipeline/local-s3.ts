import { copyFile, mkdir, readdir, rm, stat, symlink } from 'node:fs/promises';
import path from 'node:path';

const URI = /^s3:\/\/([a-z0-9][a-z0-9.-]+)\/(.*)$/;

/** S3 as a folder: the object `s3://<bucket>/<key>` is the file `<root>/<bucket>/<key>`. */
export class LocalS3 {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * The file of an object, or the folder of a prefix.
   *
   * @throws Error if it is not an S3 URI, or points outside its bucket
   */
  path(uri: string): string {
    const [, bucket, key] = URI.exec(uri) ?? [];
    if (bucket === undefined || key === undefined)
      throw new Error(`${uri} is not an S3 URI. Write s3://<bucket>/<key>.`);
    const folder = path.join(this.#root, bucket);
    const file = path.join(folder, key);
    if (path.relative(folder, file).startsWith('..')) throw new Error(`${uri} points outside its bucket.`);
    return file;
  }

  async buckets(): Promise<string[]> {
    return readdir(this.#root).catch(() => []);
  }

  /**
   * Copies an object into `folder`, or makes `folder` a link to a prefix, so that photos are not copied.
   *
   * @returns the folder, or the file in it
   * @throws Error if there is nothing at the URI
   */
  async provide(uri: string, folder: string): Promise<string> {
    const source = this.path(uri);
    const found = await stat(source).catch(() => undefined);
    if (found?.isDirectory() && (await readdir(source)).length > 0) {
      await mkdir(path.dirname(folder), { recursive: true });
      await symlink(source, folder, 'dir');
      return folder;
    }
    if (!found?.isFile())
      throw new Error(`There is nothing at ${uri}. Locally, S3 is the folder ${this.#root}.`);
    const file = path.join(folder, path.basename(source));
    await mkdir(folder, { recursive: true });
    await copyFile(source, file);
    return file;
  }

  /** Makes `folder` a link to a prefix, so that a job reads and writes S3 directly. */
  async share(uri: string, folder: string): Promise<void> {
    const prefix = this.path(uri);
    await mkdir(prefix, { recursive: true });
    await mkdir(path.dirname(folder), { recursive: true });
    await symlink(prefix, folder, 'dir');
  }

  /** Puts a local file into S3 as a copy, or a folder as a link. */
  async put(from: string, uri: string): Promise<void> {
    const target = this.path(uri.replace(/\/$/, ''));
    await mkdir(path.dirname(target), { recursive: true });
    await rm(target, { recursive: true, force: true });
    if ((await stat(from)).isDirectory()) await symlink(path.resolve(from), target, 'dir');
    else await copyFile(from, target);
  }
}
