import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
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

test('an object is a file below its bucket', () => {
  assert.equal(s3.path('s3://my-bucket/a/b.txt'), path.join(folder, 's3/my-bucket/a/b.txt'));
  for (const uri of ['http://my-bucket/a', 's3://my-bucket', 's3:///a', 'photos/', 's3://B/a'])
    assert.throws(() => s3.path(uri), /is not an S3 URI/);
  for (const uri of ['s3://my-bucket/../other/a', 's3://my-bucket/a/../../../b'])
    assert.throws(() => s3.path(uri), /leads out of its bucket/);
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
