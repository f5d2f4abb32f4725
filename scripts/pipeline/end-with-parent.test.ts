import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { launch } from '../../tests/launch.ts';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { ROOT } from '../shared/paths.ts';
import { isAlive } from '../shared/processes.ts';

test('a job ends when its work is done, or when the pipeline ends, even if that is killed', {
  timeout: 60_000,
}, async (t) => {
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
  const { until, output, end } = launch(runner);
  t.after(() => end('SIGKILL'));
  await until(/^\d+\n\d+\n/);
  const [short = 0, long = 0] = output().split('\n').map(Number);
  // Whatever fails below, nothing of it may keep running: the test would never end.
  t.after(() => isAlive(long) && process.kill(long, 'SIGKILL'));
  assert.ok(!isAlive(short));
  assert.ok(isAlive(long));
  await end('SIGKILL');
  while (isAlive(long)) await delay(50);
  assert.equal(readFileSync(path.join(folder, 'long/log.txt'), 'utf8').trim(), `${long}`);
});
