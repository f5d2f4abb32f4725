import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { errorText } from '../../model/shared/text.ts';

export interface SourceArchive {
  readonly commit: string;
  /** Files with changes that are not committed, and so not in the archive. */
  readonly leftOut: readonly string[];
  readonly zip: Uint8Array;
}

/**
 * Packs the committed source, as a pipeline would get it.
 *
 * @throws Error when git finds no commit
 */
export const packSource = async (folder: string): Promise<SourceArchive> => {
  const git = async (...args: string[]) => (await promisify(execFile)('git', args, { cwd: folder })).stdout;
  const commit = await git('rev-parse', 'HEAD').catch((cause: unknown) => {
    throw new Error(
      `The images are built from the committed source, but git finds no commit here. Run: git init && git add . && git commit\n${errorText(cause).trim()}`,
      { cause },
    );
  });
  const status = await git('status', '--porcelain');
  const temporary = await mkdtemp(path.join(tmpdir(), 'bloomstack-source-'));
  try {
    const file = path.join(temporary, 'source.zip');
    await git('archive', '--format=zip', `--output=${file}`, 'HEAD');
    const leftOut = status.split('\n').flatMap((line) => (line === '' ? [] : [line.slice(3)]));
    return { commit: commit.trim(), leftOut, zip: await readFile(file) };
  } finally {
    await rm(temporary, { recursive: true });
  }
};

/** Where a packed source is in S3. */
export interface SourceObject {
  readonly bucket: string;
  readonly key: string;
}

/**
 * Puts the packed source where CodeBuild can read it.
 *
 * @returns its place, which is the same for the same commit
 */
export const uploadSource = async (
  client: S3Client,
  bucket: string,
  { commit, zip }: SourceArchive,
): Promise<SourceObject> => {
  const key = `seed/${commit}.zip`;
  await client.send(
    new PutObjectCommand({ Bucket: bucket, Key: key, Body: zip, ContentType: 'application/zip' }),
  );
  return { bucket, key };
};
