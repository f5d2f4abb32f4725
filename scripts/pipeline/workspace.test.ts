import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Workspace } from './workspace.ts';

test('folders that may be empty hold a note, as in AWS, beside what is there', async (t) => {
  const build = mkdtempSync(path.join(tmpdir(), 'bloomstack-workspace-'));
  t.after(() => rmSync(build, { recursive: true }));
  const workspace = new Workspace({ BUILD_DIR: build });
  const { s3 } = workspace;
  const pretrained = s3.path('s3://photos/pretrained/');
  mkdirSync(pretrained, { recursive: true });
  writeFileSync(path.join(pretrained, 'model.json'), '{}');

  await workspace.provideNotes([
    's3://photos/none/',
    's3://photos/pretrained/',
    's3://photos/flowers/',
    's3://photos/mine/none/',
    10,
  ]);

  assert.deepEqual(readdirSync(s3.path('s3://photos/')).sort(), ['none', 'pretrained']);
  assert.deepEqual(readdirSync(pretrained).sort(), ['README.txt', 'model.json']);
  assert.match(
    readFileSync(path.join(pretrained, 'README.txt'), 'utf8'),
    /--to s3:\/\/photos\/pretrained\/\n/,
  );
  assert.match(readFileSync(s3.path('s3://photos/none/README.txt'), 'utf8'), /on purpose/);
});
