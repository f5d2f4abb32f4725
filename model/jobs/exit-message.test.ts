import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { MESSAGE_FILE, writeExitMessage } from './exit-message.ts';
import { OptMl } from './opt-ml.ts';

test('the message is cut where SageMaker cuts it, but never through a character', (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'exit-message-'));
  t.after(() => rmSync(root, { recursive: true }));
  const optMl = new OptMl(root);
  for (const offset of [0, 1, 2, 3]) {
    const text = `${'x'.repeat(offset)}${'꽃'.repeat(500)}`;
    writeExitMessage(optMl, text);
    const written = readFileSync(optMl.at(MESSAGE_FILE));
    assert.ok(written.length > 1021 && written.length <= 1024, String(written.length));
    assert.ok(text.startsWith(written.toString('utf8')), `offset ${offset}`);
  }
  writeExitMessage(optMl, 'short');
  assert.equal(readFileSync(optMl.at(MESSAGE_FILE), 'utf8'), 'short');
});
