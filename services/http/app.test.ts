import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { createApp } from './app.ts';
import { ProblemError } from './problem.ts';

/** An app that fails as requested, and what it logs besides its access log. */
const failing = (fail: () => Error) => {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const app = createApp({ log }).get('/', () => {
    throw fail();
  });
  return { app, lines };
};

test('shedding is one short line without a stack, however many are refused', async () => {
  const cause = new Error('connect ECONNREFUSED');
  const { app, lines } = failing(() => new ProblemError('overloaded', 'Too many.', { cause }));
  for (let count = 0; count < 5; count++) assert.equal((await app.request('/')).status, 503);
  assert.equal(lines.length, 1);
  assert.equal(lines[0]?.['level'], 40);
  assert.equal(lines[0]?.['why'], 'Error: connect ECONNREFUSED');
  assert.doesNotMatch(JSON.stringify(lines), / at /);
});

test('problems of different kinds do not hide each other, and a bug is logged in full each time', async () => {
  const errors = [
    new ProblemError('overloaded', 'Too many.'),
    new ProblemError('endpoint-unavailable', 'Away.'),
    new TypeError('a bug'),
    new TypeError('a bug'),
  ];
  const { app, lines } = failing(() => errors.shift() ?? new Error());
  for (let count = 0; count < 4; count++) await app.request('/');
  assert.deepEqual(
    lines.map(({ level, code }) => [level, code]),
    [
      [40, 'overloaded'],
      [40, 'endpoint-unavailable'],
      [50, 'internal'],
      [50, 'internal'],
    ],
  );
  assert.match(JSON.stringify(lines[3]), /app\.test\.ts/);
});
