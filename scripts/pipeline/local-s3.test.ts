import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { LocalS3 } from './local-s3.ts';

const root = temporaryFolder({ after });
let folder: string;
let s3: LocalS3;
beforeEach(() => {
  folder = mkdtempSync(path.join(root, '-'));
  s3 = new LocalS3(path.join(folder, 's3'));
});

const write = (uri: string, content: string) => {
  const file = s3.path(uri);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
};

test('an object is a file below its bucket', () => {
  assert.equal(s3.path('s3://my-bucket/a/b.txt'), path.join(folder, 's3/my-bucket/a/b.txt'));
  for (const uri of ['http://my-bucket/a', 's3://my-bucket', 's3:///a', 'photos/', 's3://B/a'])
    assert.throws(() => s3.path(uri), /is not an S3 URI/);
  for (const uri of ['s3://my-bucket/../other/a', 's3://my-bucket/a/../../../b'])
    assert.throws(() => s3.path(uri), /leads out of its bucket/);
});

test('a prefix is given by a link, an object by a copy, nothing by an error', async () => {
  write('s3://bucket/photos/rose/1.jpg', 'photo');
  write('s3://bucket/models/model.tar.gz', 'model');
  mkdirSync(s3.path('s3://bucket/empty/'));
  const given = path.join(folder, 'job/given');
  await s3.provide('s3://bucket/photos/', path.join(given, 'photos'));
  await s3.provide('s3://bucket/models/model.tar.gz', path.join(given, 'model'));
  assert.ok(lstatSync(path.join(given, 'photos')).isSymbolicLink());
  assert.deepEqual(readdirSync(path.join(given, 'photos/rose')), ['1.jpg']);
  assert.ok(lstatSync(path.join(given, 'model/model.tar.gz')).isFile());
  for (const uri of ['s3://bucket/empty/', 's3://bucket/nothing/', 's3://bucket/photos/2.jpg'])
    await assert.rejects(
      s3.provide(uri, path.join(given, 'no')),
      /There is nothing at s3:.*\. S3 is the folder /,
    );
});

test('what is written to a shared folder outlives the job', async () => {
  for (const job of ['first', 'second']) {
    const checkpoints = path.join(folder, job, 'checkpoints');
    await s3.share('s3://bucket/checkpoints/abc', checkpoints);
    writeFileSync(path.join(checkpoints, job), job);
  }
  assert.deepEqual(readdirSync(s3.path('s3://bucket/checkpoints/abc')), ['first', 'second']);
});

test('what is put there is a copy of a file and a link to a folder, and replaces what was', async () => {
  const photos = path.join(folder, 'photos');
  mkdirSync(photos);
  writeFileSync(path.join(photos, '1.jpg'), 'one');
  await s3.put(photos, 's3://bucket/x/');
  assert.equal(readFileSync(s3.path('s3://bucket/x/1.jpg'), 'utf8'), 'one');
  await s3.put(path.join(photos, '1.jpg'), 's3://bucket/x');
  assert.equal(readFileSync(s3.path('s3://bucket/x'), 'utf8'), 'one');
  assert.deepEqual([await s3.has('s3://bucket/x'), await s3.has('s3://bucket/y')], [true, false]);
  assert.deepEqual(readdirSync(photos), ['1.jpg']);
});
