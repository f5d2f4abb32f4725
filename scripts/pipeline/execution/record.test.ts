import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { recordOf } from '../testing.ts';
import { ExecutionRecords } from './record.ts';

let folder: string;
let records: ExecutionRecords;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'bloomstack-records-'));
  records = new ExecutionRecords(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

test('the last that can be gone on with is, also when others have ended since', async () => {
  const stopped = recordOf('stopped00000', { startedAt: '2026-01-02', status: 'Stopped' });
  for (const record of [
    recordOf('older0000000', { startedAt: '2026-01-01', status: 'Stopped' }),
    stopped,
    recordOf('succeeded000', { startedAt: '2026-01-03', status: 'Succeeded', resumable: false }),
    recordOf('refused00000', { startedAt: '2026-01-04', status: 'Failed', resumable: false }),
  ])
    await records.save(record);
  assert.deepEqual(await records.unfinished(), stopped);
});

test('where none can be, it says why', async () => {
  await assert.rejects(records.unfinished(), /There is no execution to resume\. Start one: npm run pipeline/);
  await records.save(recordOf('succeeded000', { status: 'Succeeded', resumable: false }));
  await assert.rejects(
    records.unfinished(),
    /The last execution, succeeded000, has succeeded: nothing is left of it to resume\. Start another/,
  );
});

test('one that cannot be read is in nobody’s way, and can be removed', async () => {
  const file = path.join(folder, 'damaged00000.json');
  writeFileSync(file, '{"id":');
  writeFileSync(path.join(folder, 'a.json'), 'of somebody else');
  assert.deepEqual(await records.ids(), ['damaged00000']);
  assert.deepEqual(await records.all(), []);
  await records.remove('damaged00000');
  assert.deepEqual(readdirSync(folder), ['a.json']);
});
