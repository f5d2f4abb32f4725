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

for (const language of LANGUAGES) {
  for (const code of PROBLEM_CODES) {
    test(`${code} has words in ${language}`, () => assert.ok((PROBLEMS[language][code] ?? '').length > 10));
  }
  test(`nothing is left empty in ${language}`, () => {
    for (const [key, text] of Object.entries(TEXTS[language])) assert.notEqual(text.trim(), '', key);
  });
}

test('no words are left over for problems that are gone', () => {
  const ofThePage = ['no-connection', 'odd-answer'];
  assert.deepEqual(Object.keys(PROBLEMS.en).sort(), [...PROBLEM_CODES, ...ofThePage].sort());
});

test('both languages say the same things', () => {
  assert.deepEqual(Object.keys(TEXTS.ko), Object.keys(TEXTS.en));
  assert.deepEqual(Object.keys(PROBLEMS.ko), Object.keys(PROBLEMS.en));
});

test('only known problems are worth a retry', () => {
  for (const code of WORTH_A_RETRY) assert.ok(code in PROBLEMS.en, code);
});

test('every text that a page asks for exists', () => {
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

test('explains by code, names the limit, and falls back to the detail', () => {
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

test('an answer is not an alternative to itself, but of a photo that shows no flower every guess is one', () => {
  const predictions = predictionsWith(0.7, 0.3);
  assert.deepEqual(alternativesOf({ known: true, predictions }), predictionsWith(0.3));
  assert.deepEqual(alternativesOf({ predictions }), predictionsWith(0.3));
  assert.deepEqual(alternativesOf({ known: false, predictions }), predictions);
});

test('what reads as less than 1 % is left out, and it may be all', () => {
  const predictions = predictionsWith(0.98, 0.0096, 0.0094, 0);
  assert.deepEqual(alternativesOf({ known: true, predictions }), predictionsWith(0.0096));
  assert.deepEqual(alternativesOf({ known: true, predictions: predictionsWith(0.999, 0.001) }), []);
  assert.deepEqual(alternativesOf({}), []);
});
