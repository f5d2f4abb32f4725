import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { ROOT } from './root.ts';

const readme = readFileSync(path.join(ROOT, 'README.md'), 'utf8');
const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')));

test('the README lists every npm script, and no other', () => {
  const [, table = ''] = readme.split('## Commands');
  const listed = [...table.matchAll(/npm (?:run )?([a-z]+(?::[a-z0-9]+)?)\b/g)].map(([, name]) => name);
  const known = new Set(listed.filter((name) => name !== 'ci' && name !== 'cit'));
  assert.deepEqual([...known].sort(), Object.keys(scripts).sort());
});

test('the folders and files that the README names exist', () => {
  const named = [...readme.matchAll(/^\| `([a-z/.]+)`(?:, `([a-z/.]+)`)? *\|/gm)].flatMap(
    ([, ...names]) => names,
  );
  const linked = [...readme.matchAll(/\]\((?!http)([^)]+)\)/g)].map(([, file]) => file);
  const files = [...named, ...linked].filter((name) => name !== undefined);
  assert.ok(files.length > 10);
  for (const file of files) assert.ok(existsSync(path.join(ROOT, file)), `${file} is not there`);
});
