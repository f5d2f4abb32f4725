import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { z } from 'zod';
import { LANGUAGES } from '../../model/contract/catalogue.ts';
import { PROBLEM_CODES } from '../contract.ts';

const PUBLIC = new URL('./public/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, PUBLIC), 'utf8');

const words = z.object({ ko: z.record(z.string(), z.string()), en: z.record(z.string(), z.string()) });
const { TEXTS } = z.object({ TEXTS: words }).parse(await import(new URL('texts.js', PUBLIC).href));
const { PROBLEMS, WORTH_A_RETRY, explain } = z
  .object({
    PROBLEMS: words,
    WORTH_A_RETRY: z.set(z.string()),
    explain: z.function({ input: z.tuple([z.unknown(), z.string(), z.string()]), output: z.string() }),
  })
  .parse(await import(new URL('problems.js', PUBLIC).href));

for (const language of LANGUAGES)
  test(`every problem and every text exists in ${language}, and none is unused`, () => {
    for (const code of PROBLEM_CODES) assert.ok((PROBLEMS[language][code] ?? '').length > 10, code);
    for (const [key, text] of Object.entries(TEXTS[language])) assert.notEqual(text.trim(), '', key);
    const ofThePage = ['no-connection', 'odd-answer'];
    assert.deepEqual(Object.keys(PROBLEMS[language]).sort(), [...PROBLEM_CODES, ...ofThePage].sort());
    assert.deepEqual(Object.keys(TEXTS[language]), Object.keys(TEXTS.en));
    for (const code of WORTH_A_RETRY) assert.ok(code in PROBLEMS[language], code);
  });

test('every text that a page uses exists', () => {
  const asked = readdirSync(PUBLIC)
    .filter((name) => name.endsWith('.html'))
    .flatMap((name) =>
      [...read(name).matchAll(/data-(?:text|label|alt)="([^"]+)"/g)].map(([, key = '']) => key),
    );
  assert.ok(asked.length > 20);
  for (const key of asked) assert.ok(key in TEXTS.ko, key);
});

test('every id that a script looks for is on a page', () => {
  const pages = read('index.html') + read('check.html');
  const scripts = readdirSync(PUBLIC).filter((name) => name.endsWith('.js'));
  const ids = scripts.flatMap((name) =>
    [...read(name).matchAll(/(?:find\('|querySelector\('#)([\w-]+)'/g)].map(([, id = '']) => id),
  );
  assert.ok(ids.length > 20);
  for (const id of ids) assert.ok(pages.includes(`id="${id}"`), id);
});

test('problems are explained by code, name the limit, and fall back to the detail', () => {
  assert.match(explain({ code: 'too-large' }, 'en', '15 MB'), /Up to 15 MB/);
  assert.match(explain({ code: 'too-large' }, 'ko', '15 MB'), /15 MB까지/);
  assert.equal(explain({ code: 'new-one', detail: 'Something new.' }, 'en', ''), 'Something new.');
  const { internal } = PROBLEMS.en;
  assert.equal(explain({ code: 'toString' }, 'en', ''), internal);
});

const shares = z.array(z.object({ acc: z.number() }));
const result = z.object({ known: z.boolean().optional(), predictions: shares.optional() });
const { alternativesOf } = z
  .object({ alternativesOf: z.function({ input: z.tuple([result]), output: shares }) })
  .parse(await import(new URL('alternatives.js', PUBLIC).href));

const predictionsWith = (...accs: number[]) => accs.map((acc) => ({ acc }));

test('guesses of 1 % or more are alternatives, but not the answer itself, unless the photo shows no flower', () => {
  const predictions = predictionsWith(0.7, 0.2904, 0.0096, 0.0094, 0);
  const others = predictionsWith(0.2904, 0.0096);
  assert.deepEqual(alternativesOf({ known: true, predictions }), others);
  assert.deepEqual(alternativesOf({ predictions }), others);
  assert.deepEqual(alternativesOf({ known: false, predictions }), predictionsWith(0.7, 0.2904, 0.0096));
  assert.deepEqual(alternativesOf({}), []);
});
