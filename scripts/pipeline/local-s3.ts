import { copyFile, mkdir, readdir, rm, stat, symlink } from 'node:fs/promises';
import path from 'node:path';

const URI = /^s3:\/\/([a-z0-9][a-z0-9.-]+)\/(.*)$/;

const isThere = async (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );

/** S3 as a folder: the object `s3://<bucket>/<key>` is the file `<root>/<bucket>/<key>`. */
export class LocalS3 {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Where an object, or a prefix, lies.
   *
   * @throws Error when it is no URI of S3, or leads out of its bucket
   */
  path(uri: string): string {
    const [, bucket, key] = URI.exec(uri) ?? [];
    if (bucket === undefined || key === undefined)
      throw new Error(`${uri} is no URI of S3. Write s3://<bucket>/<key>.`);
    const folder = path.join(this.#root, bucket);
    const file = path.join(folder, key);
    if (path.relative(folder, file).startsWith('..')) throw new Error(`${uri} leads out of its bucket.`);
    return file;
  }

  /** Their names. */
  async buckets(): Promise<string[]> {
    return readdir(this.#root).catch(() => []);
  }

  /**
   * Gives a job what lies below a prefix: an object as a copy in `folder`, and a prefix as `folder` itself, by a link,
   * so that photos are not copied.
   *
   * @returns where the job finds it: the folder, or the file in it
   * @throws Error when nothing lies there
   */
  async provide(uri: string, folder: string): Promise<string> {
    const source = this.path(uri);
    const found = await stat(source).catch(() => undefined);
    if (found?.isDirectory() && (await readdir(source)).length > 0) {
      await mkdir(path.dirname(folder), { recursive: true });
      await symlink(source, folder, 'dir');
      return folder;
    }
    if (!found?.isFile()) throw new Error(`Nothing lies at ${uri}. S3 is the folder ${this.#root} here.`);
    const file = path.join(folder, path.basename(source));
    await mkdir(folder, { recursive: true });
    await copyFile(source, file);
    return file;
  }

  /** Makes `folder` the prefix itself: what a job writes there is in S3 at once, and what is there already, it finds. */
  async share(uri: string, folder: string): Promise<void> {
    const prefix = this.path(uri);
    await mkdir(prefix, { recursive: true });
    await mkdir(path.dirname(folder), { recursive: true });
    await symlink(prefix, folder, 'dir');
  }

  /** Puts a file of this machine there, by a copy, or a folder, by a link. */
  async put(from: string, uri: string): Promise<void> {
    const target = this.path(uri.replace(/\/$/, ''));
    await mkdir(path.dirname(target), { recursive: true });
    await rm(target, { recursive: true, force: true });
    if ((await stat(from)).isDirectory()) await symlink(path.resolve(from), target, 'dir');
    else await copyFile(from, target);
  }

  /** Whether an object, or anything below a prefix, is there. */
  async has(uri: string): Promise<boolean> {
    return isThere(this.path(uri));
  }
}
