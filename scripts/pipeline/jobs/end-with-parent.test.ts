import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = (name: string) => JSON.stringify(fileURLToPath(new URL(name, import.meta.url)));

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('a job outlives neither its end nor that of the runner, even if that is killed', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bloomstack-parent-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [job, runner] = ['job.mjs', 'runner.mts'].map((name) => path.join(folder, name));
  assert.ok(job && runner);
  writeFileSync(
    job,
    `console.log(process.pid); if (process.argv[2] === 'long') setInterval(() => {}, 1000);`,
  );
  writeFileSync(
    runner,
    `import { runProcess } from ${here('./job-process.ts')};
    const run = (...parameters) => runProcess({
      command: [process.execPath, '--import', 'tsx', '--import', ${here('./end-with-parent.ts')}, ${JSON.stringify(job)}, ...parameters],
      directory: ${here('../../..')},
      environment: process.env,
      logFile: ${JSON.stringify(path.join(folder, 'log.txt'))},
      onLine: (line) => console.log(line),
      signal: new AbortController().signal,
    });
    console.log(JSON.stringify(await run('short')));
    await run('long');`,
  );
  const child = spawn(process.execPath, ['--import', 'tsx', runner], {
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const chunk of child.stdout) {
    output += chunk;
    if (output.trim().split('\n').length === 3) break;
  }
  const [, exit, pid] = output.trim().split('\n');
  assert.equal(exit, '{"code":0,"signal":null}');
  assert.equal(readFileSync(path.join(folder, 'log.txt'), 'utf8').trim(), pid);
  assert.ok(isAlive(Number(pid)));
  child.kill('SIGKILL');
  await once(child, 'close');
  while (isAlive(Number(pid))) await new Promise((resolve) => setTimeout(resolve, 50));
});
