import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

test('where nobody can be asked, the question is an error that names --yes', () => {
  const module = new URL('./confirm.ts', import.meta.url).href;
  const script = `const { confirm } = await import('${module}');
    await confirm('Delete it?', 'bloomstack-dev').catch((error) => console.log(error.exitCode, error.message));`;
  const { stdout } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    encoding: 'utf8',
    input: 'bloomstack-dev\n',
  });
  assert.match(stdout, /^1 Delete it\?\nNobody is at this terminal to confirm it; give --yes/);
});
