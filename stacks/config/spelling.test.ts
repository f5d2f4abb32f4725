import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from './spelling.ts';

test('the known word with the fewest other letters is the nearest', () => {
  const known = ['web.memory', 'web.minTasks', 'was.memory', 'region'];
  assert.equal(nearest('web.memmory', known), 'web.memory');
  assert.equal(nearest('wa.memory', known), 'was.memory');
  assert.equal(nearest('web.mintask', known), 'web.minTasks');
  assert.equal(nearest('regoin', known), 'region');
  assert.equal(nearest('', known), 'region');
});

test('of words that are as near the first is taken', () => {
  assert.equal(nearest('wxs', ['was', 'wes']), 'was');
});

test('there is no nearest of no words', () => {
  assert.equal(nearest('web', []), undefined);
});
