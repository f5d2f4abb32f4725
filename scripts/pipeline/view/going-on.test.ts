import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goingOn } from './going-on.ts';

test('--resume is offered where it helps, and with what must be done first', () => {
  assert.match(goingOn({ status: 'Stopped', resumable: true }) ?? '', /^It was stopped\. .* --resume$/);
  assert.match(
    goingOn({ status: 'Failed', resumable: true }) ?? '',
    /outside of the parameters, .* --resume$/,
  );
  for (const status of ['Succeeded', 'Failed'] as const)
    assert.equal(goingOn({ status, resumable: false }), undefined);
});
