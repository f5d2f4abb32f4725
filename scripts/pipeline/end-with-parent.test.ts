import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const here = (name: string) => JSON.stringify(fileURLToPath(new URL(name, import.meta.url)));

/** Far longer than anything here takes on a busy machine. */
const DEADLINE_MS = 60_000;

/** Fails when it has not become so before the deadline. */
const eventually = async (what: string, isSo: () => boolean): Promise<void> => {
  const deadline = Date.now() + DEADLINE_MS;
  while (!isSo()) {
    assert.ok(Date.now() < deadline, `in vain: ${what}`);
    await delay(50);
  }
};

const kill = (pid: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
};
const isAlive = (pid: number): boolean => kill(pid, 0);

test('a job outlives neither its end nor that of the runner, even if that is killed', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bloomstack-parent-'));
  const [job, runner, log] = ['job.mjs', 'runner.mts', 'log.txt'].map((name) => path.join(folder, name));
  assert.ok(job && runner && log);
  writeFileSync(
    job,
    `console.log(process.pid); if (process.argv[2] === 'long') setInterval(() => {}, 1000);`,
  );
  writeFileSync(
    runner,
    `import { runProcess } from ${here('../../shared/processes.ts')};
    const run = (...parameters) => runProcess({
      command: [process.execPath, '--import', 'tsx', '--import', ${here('./end-with-parent.ts')}, ${JSON.stringify(job)}, ...parameters],
      directory: ${here('../../..')},
      environment: process.env,
      logFile: ${JSON.stringify(log)},
      ipc: true,
      onLine: (line) => console.log(line),
      signal: new AbortController().signal,
    });
    console.log(JSON.stringify(await run('short')));
    await run('long');`,
  );
  const child = spawn(process.execPath, ['--import', 'tsx', runner], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const lines = () => output.split('\n').slice(0, -1);
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  let running: number | undefined;
  // Whatever fails below, nothing of it may go on running: the test would never end.
  t.after(() => {
    child.kill('SIGKILL');
    if (running !== undefined) kill(running, 'SIGKILL');
    rmSync(folder, { recursive: true });
  });

  await eventually('two jobs are started', () => lines().length === 3 || hasEnded());
  const [short, exit, long] = lines();
  assert.ok(long);
  running = Number(long);
  assert.equal(exit, '{"code":0,"signal":null}');
  assert.notEqual(long, short);
  assert.ok(!isAlive(Number(short)));
  await eventually('the log has what the job printed', () => readFileSync(log, 'utf8').trim() === long);
  assert.ok(isAlive(Number(long)));
  child.kill('SIGKILL');
  await eventually('the runner is gone', hasEnded);
  await eventually('the job has ended with it', () => !isAlive(Number(long)));
  running = undefined;
});
