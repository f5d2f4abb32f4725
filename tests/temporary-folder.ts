import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A folder for the duration of a test, or of a whole test file: `temporaryFolder({ after })`. */
export const temporaryFolder = (t: { after(cleanUp: () => void): void }): string => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bloomstack-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};
