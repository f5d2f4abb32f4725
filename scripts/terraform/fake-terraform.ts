import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { temporaryFolder } from '../../tests/temporary-folder.ts';

/** A program in place of Terraform, for fast tests. @param script shell script @returns its path */
export const fakeTerraform = (t: TestContext, script: string): string => {
  const binary = path.join(temporaryFolder(t), 'terraform');
  writeFileSync(binary, `#!/bin/sh\n${script}\n`);
  chmodSync(binary, 0o755);
  return binary;
};
