import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { S3Client } from '@aws-sdk/client-s3';
import { clientSettings, listen } from '../cloud/testing.ts';
import { bucketDestination } from './bucket.ts';
import { FILES, MODEL } from './testing.ts';

const CHECKSUM = 'x-amz-checksum-sha256';

/** S3 with the bucket `photos`, as far as putting and asking for objects with their checksums goes. */
const startS3 = async (t: TestContext) => {
  const objects = new Map<string, { content: Uint8Array; checksum: string }>();
  const port = await listen(t, async (request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://s3');
    const object = objects.get(pathname);
    const content = await buffer(request);
    if (request.method === 'HEAD') {
      if (object) response.setHeader(CHECKSUM, object.checksum);
      response.writeHead(object ? 200 : 404).end();
    } else if (pathname.startsWith('/photos/')) {
      objects.set(pathname, { content, checksum: String(request.headers[CHECKSUM]) });
      response.end();
    } else {
      response.writeHead(404, { 'content-type': 'application/xml' });
      response.end('<Error><Code>NoSuchBucket</Code><Message>The bucket does not exist</Message></Error>');
    }
  });
  return { objects, client: new S3Client(clientSettings(port)) };
};

test('the files are put below the prefix, what is read first at last, and then are there', async (t) => {
  const { objects, client } = await startS3(t);
  for (const uri of ['s3://photos/pretrained', 's3://photos/pretrained/']) {
    const destination = bucketDestination(uri, client);
    assert.equal(destination.name, 's3://photos/pretrained/');
    objects.clear();
    assert.equal(await destination.holds(FILES), false);
    await destination.put(FILES);
    assert.deepEqual(
      [...objects.keys()],
      ['/photos/pretrained/weights.bin', '/photos/pretrained/model.json'],
    );
    assert.deepEqual(objects.get('/photos/pretrained/model.json')?.content, MODEL.content);
    assert.equal(await destination.holds(FILES), true);
  }
});

test('an object of another checksum, or of none, is not the file', async (t) => {
  const { objects, client } = await startS3(t);
  const destination = bucketDestination('s3://photos/', client);
  await destination.put(FILES);
  objects.set('/photos/model.json', { content: MODEL.content, checksum: '' });
  assert.equal(await destination.holds(FILES), false);
});

test('a bucket that does not exist, and no bucket at all, are told with what to do', async (t) => {
  const { client } = await startS3(t);
  const missing = bucketDestination('s3://absent/pretrained/', client);
  assert.equal(await missing.holds(FILES), false);
  await assert.rejects(missing.put(FILES), /There is no bucket absent\. npm run deploy makes/);
  assert.throws(() => bucketDestination('s3://BUCKET/pretrained/', client), /Write --to s3:\/\/<bucket>/);
});

test('missing credentials are told with what to do', async () => {
  const credentials = () => {
    throw Object.assign(new Error('Could not load credentials from any providers'), {
      name: 'CredentialsProviderError',
    });
  };
  const destination = bucketDestination('s3://photos/', new S3Client({ region: 'eu-west-1', credentials }));
  await assert.rejects(destination.holds(FILES), /No AWS credentials were found to write to photos\. Log in/);
});
