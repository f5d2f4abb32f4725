import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { ROOT } from '../shared/paths.ts';
import { isAlive } from '../shared/processes.ts';

/** Far longer than anything here takes on a busy machine. */
const DEADLINE_MS = 60_000;

const eventually = async (what: string, isSo: () => boolean): Promise<void> => {
  const deadline = Date.now() + DEADLINE_MS;
  while (!isSo()) {
    assert.ok(Date.now() < deadline, `in vain: ${what}`);
    await delay(50);
  }
};

test('a job outlives neither its end nor that of the pipeline, even if that is killed', async (t) => {
  const folder = temporaryFolder(t);
  const job = path.join(folder, 'job.mjs');
  const runner = path.join(folder, 'runner.mts');
  writeFileSync(
    job,
    `console.log(process.pid); if (process.argv[2] === 'long') setInterval(() => {}, 1000);`,
  );
  writeFileSync(
    runner,
    `import { Container, ENTRY_POINT } from ${JSON.stringify(path.join(ROOT, 'scripts/pipeline/container.ts'))};
    for (const name of ['short', 'long']) {
      const container = new Container(${JSON.stringify(folder)}, name);
      await container.mkdir('/');
      await container.run({
        command: [...ENTRY_POINT.slice(0, -1), ${JSON.stringify(job)}, name],
        environment: {},
        onLine: (line) => console.log(line),
        signal: new AbortController().signal,
        seconds: 600,
        reasonFile: '/failure',
      });
    }`,
  );
  const child = spawn(process.execPath, ['--import', 'tsx', runner], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const pids = () => output.split('\n').slice(0, -1).map(Number);
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  // Whatever fails below, nothing of it may keep running: the test would never end.
  t.after(() => {
    child.kill('SIGKILL');
    for (const pid of pids()) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });

  await eventually('two jobs are started', () => pids().length === 2 || hasEnded());
  const [short = 0, long = 0] = pids();
  assert.notEqual(long, short);
  assert.ok(!isAlive(short));
  const log = path.join(folder, 'long/log.txt');
  await eventually('the log has what the job printed', () => readFileSync(log, 'utf8').trim() === `${long}`);
  assert.ok(isAlive(long));
  child.kill('SIGKILL');
  await eventually('the runner is gone', hasEnded);
  await eventually('the job has ended with it', () => !isAlive(long));
});
