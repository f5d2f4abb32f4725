import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type DownloadOptions, download } from './download.ts';
import type { BackboneFile } from './mobilenet.ts';

/** Where the files come from. */
export interface Origin {
  /** Of a file, for people. */
  place(file: BackboneFile): string;
  /** @throws Error when it is not to be had */
  read(file: BackboneFile, onProgress?: (bytes: number) => void): Promise<Uint8Array>;
}

/** The address of a folder; what follows its path, such as `?token=`, is asked of every file. */
const webOrigin = (address: URL, options: DownloadOptions): Origin => {
  const urlOf = ({ name }: BackboneFile): URL => {
    const url = new URL(address);
    url.pathname = `${url.pathname.replace(/\/$/, '')}/${name}`;
    return url;
  };
  return {
    place: (file) => String(urlOf(file)),
    read: (file, onProgress) => download(urlOf(file), file, { ...options, onProgress }),
  };
};

const folderOrigin = (folder: string): Origin => {
  const place = ({ name }: BackboneFile): string => path.join(folder, name);
  return {
    place,
    read: (file) =>
      readFile(place(file)).catch((cause: unknown) => {
        throw new Error(
          `${place(file)} cannot be read (${cause instanceof Error ? cause.message : cause}). Give --from the folder that holds ${file.name}, or its http address.`,
          { cause },
        );
      }),
  };
};

/** @param from the `http` or `https` address of a folder, or a folder of this machine */
export const originOf = (from: string, options: DownloadOptions = {}): Origin =>
  /^https?:\/\//i.test(from) ? webOrigin(new URL(from), options) : folderOrigin(from);
