import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pino } from 'pino';
import { problemSchema } from '../contract.ts';
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

test('shedding is logged once per kind, without a stack; a bug is logged in full each time', async () => {
  const cause = new Error('connect ECONNREFUSED');
  const shed = () => new ProblemError('overloaded', 'Too many.', { cause });
  const away = () => new ProblemError('endpoint-unavailable', 'Away.');
  const errors = [shed, shed, away, shed, () => new TypeError('a bug'), () => new TypeError('a bug')];
  const { app, lines } = failing(() => errors.shift()?.() ?? new Error());
  while (errors.length > 0) assert.ok((await app.request('/')).status >= 500);
  assert.deepEqual(
    lines.map(({ level, code, why }) => [level, code, why]),
    [
      [40, 'overloaded', 'Error: connect ECONNREFUSED'],
      [40, 'endpoint-unavailable', undefined],
      [50, 'internal', undefined],
      [50, 'internal', undefined],
    ],
  );
  assert.doesNotMatch(JSON.stringify(lines.slice(0, 2)), / at /);
  assert.match(JSON.stringify(lines[3]), /app\.test\.ts/);
});

describe('a wrong path is answered with the intended one, in the requested language', () => {
  const app = createApp({ log: pino({ level: 'silent' }) })
    .get('/health', (context) => context.text('ok'))
    .post('/classify/image', (context) => context.text('ok'));
  const cases = [
    ['/classify', 'POST /classify/image'],
    ['/classify/image/', 'POST /classify/image'],
    ['//Classify//Image', 'POST /classify/image'],
    ['/Health/', 'GET /health'],
  ] as const;
  for (const [path, meant] of cases) {
    test(path, async () => {
      const response = await app.request(path, { method: 'POST' });
      const { detail, code } = problemSchema.parse(await response.json());
      assert.equal(code, 'not-found');
      assert.ok(detail.endsWith(`Did you mean ${meant}?`), detail);
    });
  }

  const languages = [
    ['ko-KR,ko;q=0.9,en;q=0.8', 'ko', /찾을 수 없습니다/],
    ['en;q=0.8, ko;q=0.9', 'ko', /찾을 수 없습니다/],
    ['ko;q=0, fr', 'en', /Not found/],
    ['*', 'en', /Not found/],
  ] as const;
  for (const [accepted, language, title] of languages) {
    test(`Accept-Language: ${accepted}`, async () => {
      const response = await app.request('/nowhere', { headers: { 'Accept-Language': accepted } });
      assert.equal(response.headers.get('Content-Language'), language);
      assert.equal(response.headers.get('Vary'), 'Accept-Language');
      const problem = problemSchema.parse(await response.json());
      assert.match(problem.title, title);
      assert.match(problem.detail, language === 'ko' ? /[가-힣]/ : /^[^가-힣]+$/);
    });
  }
});
