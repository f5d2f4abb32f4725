import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progressReporter } from './progress.ts';
import { seededRandom, shuffled, uniform } from './random.ts';
import { abridge, pluralize } from './text.ts';

const draw = (seed: number, count: number) => Array.from({ length: count }, seededRandom(seed));

test('the numbers are those of mulberry32, spread evenly over [0, 1)', () => {
  assert.deepEqual(
    draw(0, 3).map((value) => value * 2 ** 32),
    [1_144_304_738, 1_416_247, 958_946_056],
  );
  const tenths = new Array<number>(10).fill(0);
  for (const value of draw(3, 10_000))
    tenths[Math.floor(value * 10)] = (tenths[Math.floor(value * 10)] ?? 0) + 1;
  assert.equal(tenths.length, 10);
  for (const count of tenths) assert.ok(count > 850 && count < 1150, `${count} in a tenth`);
});

test('a sequence continues from a position that was written down, in another source too', () => {
  const random = seededRandom(7);
  for (let drawn = 0; drawn < 5; drawn++) random();
  const position = random.position();
  const expected = Array.from({ length: 10 }, random);
  const other = seededRandom(1);
  other.moveTo(Number(String(position)));
  assert.deepEqual(Array.from({ length: 10 }, other), expected);
});

test('uniform stretches a number to its range', () =>
  assert.deepEqual(
    [0, 0.25].map((number) => uniform(() => number, -2, 6)),
    [-2, 0],
  ));

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

test('one is one, and all else is several', () => {
  assert.deepEqual(
    [0, 1, 2].map((count) => pluralize(count, 'photo')),
    ['0 photos', '1 photo', '2 photos'],
  );
});

test('a name is cut in its middle, where it says least', () => {
  for (const [text, longest, expected] of [
    ['short', 10, 'short'],
    ['a rare alpine rose', 9, 'a ra…rose'],
    ['a rare alpine rose', 10, 'a rar…rose'],
    ['노란 꽃이 피는 나무', 5, '노란…나무'],
    ['꽃'.normalize('NFD'), 1, '꽃'.normalize('NFD')],
    ['any', 1, '…'],
    ['🌼🌼🌼', 2, '🌼…'],
  ] as const)
    assert.equal(abridge(text, longest), expected);
});

test('progress is said now and then, with the time that is left at the pace of late', (t) => {
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

test('a job of an hour says something every minute, not every few seconds', (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const at: number[] = [];
  const report = progressReporter(() => at.push(now), 4);
  for (; now < 3_700_000; now += 1000) report('Steps', now, 1e7);
  const pauses = at.map((time, index) => time - (at[index - 1] ?? 0));
  assert.ok((pauses[0] ?? 0) <= 5000 && (pauses.at(-1) ?? 0) >= 60_000, pauses.join());
});
