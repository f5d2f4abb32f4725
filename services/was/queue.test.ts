import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WorkQueue } from './queue.ts';

const never = new AbortController().signal;

/** Work that finishes on request. */
const controlled = () => {
  const begun: string[] = [];
  const finish = new Map<string, () => void>();
  const run = (name: string) => () => {
    begun.push(name);
    return new Promise<void>((resolve) => finish.set(name, resolve));
  };
  const end = async (name: string) => {
    finish.get(name)?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { begun, run, end };
};

test('as much work runs in parallel as there are slots, and the rest waits in order', async () => {
  const queue = new WorkQueue({ slots: 2, paceMs: 1 });
  const { begun, run, end } = controlled();
  for (const name of ['a', 'b', 'c', 'd'])
    void queue.do({ client: 'x', cost: 1, signal: never, run: run(name) });
  assert.deepEqual([begun, queue.running, queue.waiting], [['a', 'b'], 2, 2]);
  await end('b');
  assert.deepEqual(begun, ['a', 'b', 'c']);
  for (const name of ['a', 'c', 'd']) await end(name);
  assert.deepEqual([queue.running, queue.waiting], [0, 0]);
});

test('work of several slots waits until all of them are free, and no other overtakes it', async () => {
  const queue = new WorkQueue({ slots: 2, paceMs: 1 });
  const { begun, run, end } = controlled();
  const gone = new AbortController();
  const add = (name: string, slots: number, signal = never) =>
    void queue.do({ client: 'x', cost: slots, slots, signal, run: run(name) }).catch(() => {});
  const order = { one: 1, two: 2, next: 1, eight: 8 };
  for (const [name, slots] of Object.entries(order)) add(name, slots);
  for (const [name, slots] of Object.entries(order)) {
    assert.deepEqual([begun.at(-1), queue.running], [name, slots]);
    if (name !== 'eight') await end(name);
  }
  add('last', 1);
  await end('eight');
  add('large', 2, gone.signal);
  add('behind', 1);
  gone.abort();
  await end('large');
  assert.deepEqual(begun.slice(4), ['last', 'behind']);
});

test('clients take turns', async () => {
  const queue = new WorkQueue({ slots: 1, paceMs: 1 });
  const { begun, run, end } = controlled();
  const names = ['first', 'a1', 'a2', 'a3', 'b1', 'c1'];
  for (const name of names) void queue.do({ client: name.charAt(0), cost: 1, signal: never, run: run(name) });
  for (const name of ['first', 'a1', 'b1', 'c1', 'a2', 'a3']) await end(name);
  assert.deepEqual(begun, ['first', 'a1', 'b1', 'c1', 'a2', 'a3']);
});

test('the expected wait is the cost of the work ahead', async () => {
  const queue = new WorkQueue({ slots: 1, paceMs: 10 });
  const wait = (client: string, cost = 1) => queue.expectedWaitMs({ client, cost });
  assert.equal(wait('a'), 0);
  const { run } = controlled();
  for (let count = 0; count < 5; count++)
    void queue.do({ client: 'a', cost: 3, signal: never, run: run(`${count}`) });
  // One runs, four wait: 12 and its own.
  assert.equal(wait('a'), 130);
  // Another client waits for one turn only.
  assert.equal(wait('b'), 20);
  assert.equal(wait('b', 5), 100);
  assert.equal(queue.expectedWaitMs({ client: 'b', cost: 1, ahead: 7 }), 90);
});

test('aborted work leaves the queue, or keeps its slot until it ends', async () => {
  const queue = new WorkQueue({ slots: 1, paceMs: 1 });
  const { begun, run, end } = controlled();
  const [gone, left] = [new AbortController(), new AbortController()];
  const running = queue.do({ client: 'x', cost: 1, signal: gone.signal, run: run('a') });
  const waiting = queue.do({ client: 'x', cost: 1, signal: left.signal, run: run('b') });
  left.abort(new Error('left'));
  await assert.rejects(waiting, /left/);
  assert.equal(queue.waiting, 0);
  gone.abort(new Error('gone'));
  await assert.rejects(running, /gone/);
  assert.equal(queue.running, 1);
  await end('a');
  assert.equal(queue.running, 0);
  const late = queue.do({ client: 'x', cost: 1, signal: gone.signal, run: run('c') });
  await assert.rejects(late, /gone/);
  assert.deepEqual([begun, queue.running], [['a'], 0]);
});

test('failing work frees its slot', async () => {
  const queue = new WorkQueue({ slots: 1, paceMs: 1 });
  const run = () => Promise.reject(new Error('no'));
  await assert.rejects(queue.do({ client: 'x', cost: 1, signal: never, run }), /no/);
  assert.equal(queue.running, 0);
});

test('fewer slots are used while work takes longer than it should', async () => {
  const queue = new WorkQueue({ slots: 8, paceMs: 1, targetMs: 0 });
  const slow = () => new Promise<void>((resolve) => setTimeout(resolve, 2));
  const all = () =>
    Array.from({ length: 8 }, () => queue.do({ client: 'x', cost: 1, signal: never, run: slow }));
  const first = all();
  assert.equal(queue.running, 4);
  await Promise.all(first);
  const second = all();
  assert.equal(queue.running, 1);
  await Promise.all(second);
});
