import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { takeLock } from './lock.ts';

test('one line names the owner of the lock, until it is released', (t) => {
  const file = path.join(temporaryFolder(t), 'cdktf.out/lock.json');
  const release = takeLock(file, 'npm run deploy');
  const { since } = JSON.parse(readFileSync(file, 'utf8'));
  assert.throws(
    () => takeLock(file, 'npm run plan'),
    ({ message }: Error) =>
      message.startsWith(
        `npm run deploy has been running in ${path.dirname(file)} since ${since}, as process ${process.pid}.`,
      ),
  );
  release();
  assert.equal(existsSync(file), false);
  takeLock(file, 'npm run plan')();
});

test('the lock of a process that has ended is taken over, and so is a truncated one', (t) => {
  const file = path.join(temporaryFolder(t), 'lock.json');
  const { pid } = spawnSync(process.execPath, ['--version']);
  for (const left of [JSON.stringify({ pid, command: 'npm run deploy', since: 'yesterday' }), '{"pi']) {
    writeFileSync(file, left);
    takeLock(file, 'npm run plan')();
  }
});

/** No one may write there, not even root. */
const onLinux = { skip: process.platform !== 'linux' };

test('an unwritable folder is an error that says what to do', onLinux, () => {
  assert.throws(
    () => takeLock('/sys/bloomstack/lock.json', 'npm run plan'),
    /^Error: \/sys\/bloomstack cannot be written to \(E\w+\)\. npm run plan writes .* run it in a copy/,
  );
});
