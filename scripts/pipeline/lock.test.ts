import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { lockFolder } from './lock.ts';

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'bloomstack-lock-'));
  folder = path.join(root, 'pipeline');
});
afterEach(() => rmSync(root, { recursive: true }));

test('a folder is for one at a time', async () => {
  const release = await lockFolder(folder);
  await assert.rejects(
    lockFolder(folder),
    new RegExp(`Another pipeline is running, in process ${process.pid}\\. Wait for its end`),
  );
  await release();
  assert.deepEqual(readdirSync(folder), []);
  await (await lockFolder(folder))();
});

test('one that was killed, even while it took the folder, holds up nobody', async () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  for (const left of [JSON.stringify({ pid }), '{"pi']) {
    const release = await lockFolder(folder);
    writeFileSync(path.join(folder, 'running.json'), left);
    await (await lockFolder(folder))();
    await release();
  }
});
