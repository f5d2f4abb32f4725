import {
  HeadObjectCommand,
  NoSuchBucket,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { Destination } from './destination.ts';
import type { BackboneFile } from './mobilenet.ts';

const URI = /^s3:\/\/([a-z0-9][a-z0-9.-]+)(?:\/(.*))?$/;

/** @param region where the bucket is looked for first */
export const createS3Client = (region: string): S3Client =>
  new S3Client({ region, followRegionRedirects: true });

/** Absent, or not for these credentials to see: writing will tell. */
const UNSEEN = [403, 404];

const inBase64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');

const inWords = (error: unknown, bucket: string): unknown => {
  if (error instanceof NoSuchBucket)
    return new Error(
      `There is no bucket ${bucket}. npm run deploy makes the dataset bucket, and prints the address to give to --to.`,
      { cause: error },
    );
  if (error instanceof Error && error.name === 'CredentialsProviderError')
    return new Error(
      `No AWS credentials were found to write to ${bucket}. Log in (aws sso login, aws configure) or set AWS_PROFILE.`,
      { cause: error },
    );
  return error;
};

/**
 * A prefix of S3. S3 checks the checksums too, and keeps them. The encryption is the bucket's.
 *
 * @param uri `s3://<bucket>/<prefix>/`
 * @throws Error when it is no such address
 */
export const bucketDestination = (uri: string, client: S3Client): Destination => {
  const [, bucket, path = ''] = URI.exec(uri) ?? [];
  if (bucket === undefined)
    throw new Error(`${uri} is no address of S3. Write --to s3://<bucket>/pretrained/.`);
  const prefix = path === '' || path.endsWith('/') ? path : `${path}/`;

  const isThere = async ({ name, sha256 }: BackboneFile): Promise<boolean> => {
    try {
      const { ChecksumSHA256 } = await client.send(
        new HeadObjectCommand({ Bucket: bucket, Key: prefix + name, ChecksumMode: 'ENABLED' }),
      );
      return ChecksumSHA256 === inBase64(sha256);
    } catch (error) {
      if (error instanceof S3ServiceException && UNSEEN.includes(error.$metadata.httpStatusCode ?? 0))
        return false;
      throw inWords(error, bucket);
    }
  };

  return {
    name: `s3://${bucket}/${prefix}`,

    holds: async (files) => (await Promise.all(files.map(isThere))).every(Boolean),

    put: async (files) => {
      for (const { name, content, sha256 } of files)
        await client
          .send(
            new PutObjectCommand({
              Bucket: bucket,
              Key: prefix + name,
              Body: content,
              ChecksumSHA256: inBase64(sha256),
              ContentType: name.endsWith('.json') ? 'application/json' : 'application/octet-stream',
            }),
          )
          .catch((error: unknown) => {
            throw inWords(error, bucket);
          });
    },
  };
};
