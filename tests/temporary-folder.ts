import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

/** A folder for as long as a test lasts. */
export const temporaryFolder = (t: TestContext): string => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bloomstack-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};
