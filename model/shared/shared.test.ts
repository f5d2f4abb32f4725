import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progressReporter } from './progress.ts';
import { seededRandom, shuffled } from './random.ts';
import { abridge } from './text.ts';

test('the numbers are those of mulberry32', () => {
  const drawn = Array.from({ length: 3 }, seededRandom(0)).map((value) => value * 2 ** 32);
  assert.deepEqual(drawn, [1_144_304_738, 1_416_247, 958_946_056]);
});

test('every order of a few items is about as likely, and the original is left alone', () => {
  const random = seededRandom(9);
  const items = ['a', 'b', 'c'];
  const orders = new Map<string, number>();
  for (let round = 0; round < 6000; round++) {
    const order = shuffled(items, random).join('');
    orders.set(order, (orders.get(order) ?? 0) + 1);
  }
  assert.equal(orders.size, 6);
  for (const [order, count] of orders) assert.ok(count > 850 && count < 1150, `${order}: ${count} of 6000`);
  assert.deepEqual([items, shuffled([], random)], [['a', 'b', 'c'], []]);
});

test('a long name is cut in the middle', () => {
  for (const [text, longest, expected] of [
    ['short', 10, 'short'],
    ['a rare alpine rose', 9, 'a ra…rose'],
    ['노란 꽃이 피는 나무', 5, '노란…나무'],
    ['꽃'.normalize('NFD'), 1, '꽃'.normalize('NFD')],
    ['🌼🌼🌼', 2, '🌼…'],
  ] as const)
    assert.equal(abridge(text, longest), expected);
});

test('progress is reported now and then, with the time left at the recent pace', (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const lines: string[] = [];
  const report = progressReporter((line) => lines.push(line), 4);
  // Ten are there already; then one takes a second.
  report('Photos', 10, 40);
  for (let done = 11; done <= 20; done++) {
    now += 1000;
    report('Photos', done, 40);
  }
  report('Steps', 1, 2);
  now += 4000;
  report('Steps', 2, 2);
  assert.deepEqual(lines, [
    'Photos: 14 of 40, 26 s left',
    'Photos: 18 of 40, 22 s left',
    'Steps: 2 of 2, 0 s left',
  ]);
});
