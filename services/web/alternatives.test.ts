import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';

const shares = z.array(z.object({ acc: z.number() }));
const result = z.object({ known: z.boolean().optional(), predictions: shares.optional() });
const { alternativesOf } = z
  .object({ alternativesOf: z.function({ input: z.tuple([result]), output: shares }) })
  .parse(await import(new URL('public/alternatives.js', import.meta.url).href));

const predictionsOf = (...accs: number[]) => accs.map((acc) => ({ acc }));

test('an answer is no alternative to itself, but of a photo that shows no flower every guess is one', () => {
  const predictions = predictionsOf(0.7, 0.3);
  assert.deepEqual(alternativesOf({ known: true, predictions }), predictionsOf(0.3));
  assert.deepEqual(alternativesOf({ predictions }), predictionsOf(0.3));
  assert.deepEqual(alternativesOf({ known: false, predictions }), predictions);
});

test('what reads as less than 1 % is left out, and it may be all', () => {
  const predictions = predictionsOf(0.98, 0.0096, 0.0094, 0);
  assert.deepEqual(alternativesOf({ known: true, predictions }), predictionsOf(0.0096));
  assert.deepEqual(alternativesOf({ known: true, predictions: predictionsOf(0.999, 0.001) }), []);
  assert.deepEqual(alternativesOf({}), []);
});
