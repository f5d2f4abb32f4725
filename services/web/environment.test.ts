import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEnvironment } from '../http/environment.ts';
import { webEnvironment } from './environment.ts';

const read = (environment: NodeJS.ProcessEnv) => readEnvironment(webEnvironment, environment);

test('unset and empty variables have defaults', () => {
  const { PORT, HOST, WAS_URL, VERSION } = read({ PORT: '', LOG_LEVEL: '' });
  assert.deepEqual([PORT, HOST, WAS_URL, VERSION], [8000, '0.0.0.0', 'http://127.0.0.1:8081', 'development']);
  assert.equal(read({ VERSION: 'a', npm_package_version: 'b' }).VERSION, 'a');
  assert.equal(read({ VERSION: '', npm_package_version: 'b' }).VERSION, 'b');
  assert.equal(read({ WAS_URL: 'https://was.test/' }).WAS_URL, 'https://was.test');
});

test('every wrong variable is named', () => {
  assert.throws(() => read({ PORT: '70000', LOG_LEVEL: 'loud' }), /PORT: .*LOG_LEVEL: /);
  for (const WAS_URL of [
    'was.test',
    'file:///etc/passwd',
    'http://user:secret@was.test',
    'http://was.test/?a=b',
  ])
    assert.throws(() => read({ WAS_URL }), /WAS_URL/, WAS_URL);
});
