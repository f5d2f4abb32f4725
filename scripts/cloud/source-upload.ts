import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { SourceArchive } from './source-archive.ts';

/** Where a packed source is in S3. */
export interface SourceObject {
  readonly bucket: string;
  readonly key: string;
}

/**
 * Puts the packed source where CodeBuild can take it from.
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
