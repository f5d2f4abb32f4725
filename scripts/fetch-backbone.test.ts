import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { need, pathFrom } from '../tests/requirements.ts';
import { MOBILENET } from './backbone/mobilenet.ts';
import { temporaryFolder } from './backbone/testing.ts';
import { ROOT } from './root.ts';

const BACKBONE_DIR = pathFrom('BACKBONE_DIR');
const real = need(
  'backbone',
  BACKBONE_DIR,
  'set BACKBONE_DIR to a folder of MobileNet v1 0.25 224, as scripts/fetch-backbone.ts makes it',
);

const fetchBackbone = (...parameters: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', 'scripts/fetch-backbone.ts', ...parameters], {
    cwd: ROOT,
    encoding: 'utf8',
  });

test('a wrong call says what is wrong and how to call it', () => {
  for (const [parameters, expected] of [
    [['--from', 'ftp://mirror/mobilenet'], /--from: give a folder, or an http or https address/],
    [['--into', 'build'], /--into/],
  ] as const) {
    const { status, stderr } = fetchBackbone(...parameters);
    assert.equal(status, 1);
    assert.match(stderr, expected);
    assert.match(stderr, /Usage: node --import tsx scripts\/fetch-backbone\.ts/);
  }
});

test('the published files have the checksums that are expected, and are put in place once', real, (t) => {
  const to = path.join(temporaryFolder(t), 'mobilenet');
  const fetchOnce = () => fetchBackbone('--from', String(BACKBONE_DIR), '--to', to);
  const { status, stdout, stderr } = fetchOnce();
  assert.equal(status, 0, stderr);
  assert.match(stdout, /its checksums are right\.\nTrain on it: npm run train -- --data DIR --backbone \S/);
  assert.deepEqual(readdirSync(to).sort(), MOBILENET.files.map(({ name }) => name).sort());
  assert.match(fetchOnce().stdout, /already.*Nothing was fetched/);
});
