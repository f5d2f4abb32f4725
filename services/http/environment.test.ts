import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEnvironment, serverEnvironment } from './environment.ts';

const schema = serverEnvironment({ defaultPort: 8000 });

test('what is not set or empty has its default', () => {
  assert.deepEqual(readEnvironment(schema, { PORT: '', LOG_LEVEL: '' }), {
    PORT: 8000,
    HOST: '0.0.0.0',
    LOG_LEVEL: 'info',
    METRICS_NAMESPACE: 'Bloomstack',
    METRICS_HOST: '127.0.0.1',
  });
});

test('every wrong variable is named', () => {
  assert.throws(() => readEnvironment(schema, { PORT: '70000', LOG_LEVEL: 'loud' }), /PORT: .*LOG_LEVEL: /);
  assert.throws(() => readEnvironment(schema, { PORT: 'http' }), /PORT: /);
});
