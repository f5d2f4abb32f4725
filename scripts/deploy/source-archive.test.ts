import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { packSource } from './source-archive.ts';

const IDENTITY = ['-c', 'user.name=Kim', '-c', 'user.email=kim@example.com', '-c', 'commit.gpgsign=false'];

test('the committed files are packed; what is not committed is named and left out', async (t) => {
  const directory = temporaryFolder(t);
  const git = (...args: string[]) => execFileSync('git', [...IDENTITY, ...args], { cwd: directory });
  git('init', '--quiet');
  writeFileSync(path.join(directory, 'committed.txt'), 'one');
  git('add', '.');
  git('commit', '--quiet', '--message', 'First');
  writeFileSync(path.join(directory, 'committed.txt'), 'two');
  writeFileSync(path.join(directory, 'new.txt'), 'three');

  const { commit, leftOut, zip } = await packSource(directory);
  assert.equal(commit, git('rev-parse', 'HEAD').toString().trim());
  assert.deepEqual(leftOut, ['committed.txt', 'new.txt']);
  const bytes = Buffer.from(zip);
  assert.equal(bytes.subarray(0, 2).toString(), 'PK');
  assert.ok(bytes.includes('committed.txt'));
  assert.ok(!bytes.includes('new.txt'));
});

test('a folder without a commit is an error that says what to do', async (t) => {
  const directory = temporaryFolder(t);
  execFileSync('git', ['init', '--quiet'], { cwd: directory });
  await assert.rejects(packSource(directory), /git finds no commit here.*git init/);
});
