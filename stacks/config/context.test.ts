import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { readContext } from './context.ts';
import { loadConfiguration } from './load.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'bloomstack-context-'));
after(() => rmSync(folder, { recursive: true }));

const fileWith = (text: string): string => {
  const file = path.join(folder, 'cdktf.json');
  writeFileSync(file, text);
  return file;
};

const lineOf = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof Error);
    assert.equal(error.name, 'ConfigurationError');
    assert.equal(error.message.split('\n').length, 1);
    return error.message;
  }
  throw new Error('The context was accepted.');
};

test("the project's own cdktf.json holds a context that loads", () => {
  const context = readContext({});
  assert.doesNotThrow(() => loadConfiguration({ context, env: {} }));
});

test('the context is read from the file', () => {
  const file = fileWith('{"app": "main.ts", "context": {"bloomstack": {"environment": "prod"}}}');
  assert.deepEqual(readContext({}, file), { bloomstack: { environment: 'prod' } });
});

test('a file without a context chooses nothing', () => {
  assert.deepEqual(readContext({}, fileWith('{"app": "main.ts"}')), {});
});

test('what cdktf-cli hands over goes before the file', () => {
  const handedOver = { CDKTF_CONTEXT_JSON: '{"bloomstack": {"all": {}}}' };
  assert.deepEqual(readContext(handedOver, fileWith('{}')), { bloomstack: { all: {} } });
});

test('one line says why a context cannot be read', () => {
  assert.match(
    lineOf(() => readContext({}, path.join(folder, 'missing.json'))),
    /^The configuration is wrong: cdktf\.json cannot be read \(ENOENT.*\), restore it from the repository\.$/,
  );
  assert.match(
    lineOf(() => readContext({}, fileWith('{\n"context": {\n'))),
    /^The configuration is wrong: cdktf\.json is no JSON \(.*\), mend it as docs\/configuration\.md shows\.$/,
  );
  assert.match(
    lineOf(() => readContext({}, fileWith('{"context": []}'))),
    /: cdktf\.json, context is no object, mend it as docs\/configuration\.md shows\.$/,
  );
  assert.match(
    lineOf(() => readContext({ CDKTF_CONTEXT_JSON: 'bloomstack' })),
    /: CDKTF_CONTEXT_JSON is no JSON \(.*\), unset it, cdktf\.json is read without it\.$/,
  );
});
