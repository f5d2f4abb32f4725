import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { ContainerPaths, MESSAGE_FILE, writeExitMessage } from './container.ts';

test('the message is cut where SageMaker cuts it, but never through a character', (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'exit-message-'));
  t.after(() => rmSync(root, { recursive: true }));
  const container = new ContainerPaths(root);
  for (const offset of [0, 1, 2, 3]) {
    const text = `${'x'.repeat(offset)}${'꽃'.repeat(500)}`;
    writeExitMessage(container, text);
    const written = readFileSync(container.at(MESSAGE_FILE));
    assert.ok(written.length > 1021 && written.length <= 1024, String(written.length));
    assert.ok(text.startsWith(written.toString('utf8')), `offset ${offset}`);
  }
  writeExitMessage(container, 'short');
  assert.equal(readFileSync(container.at(MESSAGE_FILE), 'utf8'), 'short');
});
