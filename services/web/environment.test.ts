import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEnvironment } from '../http/environment.ts';
import { webEnvironment } from './environment.ts';

test('has a default for everything', () => {
  const { PORT, WAS_URL, VERSION } = readEnvironment(webEnvironment, {});
  assert.deepEqual(
    { PORT, WAS_URL, VERSION },
    { PORT: 8000, WAS_URL: 'http://127.0.0.1:8081', VERSION: 'development' },
  );
});

test('takes the version from VERSION, then from package.json', () => {
  assert.equal(readEnvironment(webEnvironment, { VERSION: 'a', npm_package_version: 'b' }).VERSION, 'a');
  assert.equal(readEnvironment(webEnvironment, { VERSION: '', npm_package_version: 'b' }).VERSION, 'b');
});

test('drops the slash at the end of WAS_URL', () => {
  assert.equal(readEnvironment(webEnvironment, { WAS_URL: 'https://was.test/' }).WAS_URL, 'https://was.test');
});

const WRONG = ['was.test', 'file:///etc/passwd', 'http://user:secret@was.test', 'http://was.test/?a=b'];
for (const WAS_URL of WRONG) {
  test(`refuses ${WAS_URL} as WAS_URL`, () =>
    assert.throws(() => readEnvironment(webEnvironment, { WAS_URL }), /WAS_URL/));
}
