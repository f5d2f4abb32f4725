import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { loadBackend } from '../backend/backend.ts';
import { Descent } from './descent.ts';
import { buildNetwork } from './network.ts';
import { Run } from './run.ts';

before(() => loadBackend({ native: false }));

/** An epoch whose first step fails. */
const epochThatFails = async (error: Error): Promise<void> => {
  const network = buildNetwork({ classes: 2, stem: 4, blocks: [6], dropout: 0 });
  const run = new Run({
    learner: {
      descent: new Descent(network, { weightDecay: 0, averaging: 0 }),
      step: async () => {
        throw error;
      },
      watch: async () => undefined,
    },
    items: ['a', 'b', 'c'],
    settings: { epochs: 1, batchSize: 2, learningRate: 0.01, seed: 1, patience: null },
    options: {},
  });
  await run.epoch();
};

test('a step that is too large for the memory says what to do', async () => {
  const inWebAssembly = (message: string) => Object.assign(new Error(message), { name: 'RuntimeError' });
  for (const error of [
    inWebAssembly('Aborted(). Build with -sASSERTIONS for more info.'),
    inWebAssembly('memory access out of bounds'),
    new Error('OOM when allocating tensor with shape[100000,112,112,32]'),
  ])
    await assert.rejects(
      epochThatFails(error),
      /A step of 2 photos .* memory.* \((Aborted|memory|OOM).*\)\. Lower/,
    );
});

test('any other error is told as it is', async () => {
  await assert.rejects(epochThatFails(new Error('Broken.')), { message: 'Broken.' });
});
