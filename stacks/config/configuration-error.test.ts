import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorOf } from './testing.ts';

test('several problems stand in one line, one for each field', () => {
  const { message, problems } = errorOf({
    env: { BLOOMSTACK_REGION: 'Seoul', BLOOMSTACK_NETWORK_ZONES: 'A,1', BLOOMSTACK_ACCOUNT: 'a\nb' },
  });
  assert.equal(problems.length, 3);
  assert.equal(message.split('\n').length, 1);
  assert.match(message, /; account \(BLOOMSTACK_ACCOUNT\) is "a\\nb": /);
  assert.match(message, /"A" is wrong, [^;]*, and "1" is wrong/);
});

test('a name with a line break does not break the line', () => {
  assert.equal(errorOf({ bloomstack: { all: { 'web\nmemory': 1 } } }).message.split('\n').length, 1);
});
