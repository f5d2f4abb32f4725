import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandLine } from './command-line.ts';
import { parseHyperparameters } from './hyperparameters.ts';

const hyperparameters = parseHyperparameters({ epochs: '3', 'learning-rate': '1E-4', balanced: 'true' });

test('the command trains alike, on the pretrained network that the job had', () => {
  const environment = { TRAINING_JOB_NAME: 'flowers-1' };
  assert.equal(
    commandLine(hyperparameters, 'backbone', environment),
    '# The SageMaker training job flowers-1; on another machine:\n' +
      'npm run train -- --data DIR --backbone DIR --epochs 3 --learning-rate 0.0001 --patience 10 --seed 1 --balanced',
  );
});

test('without one it names none, and without a name the job has none', () => {
  const text = commandLine(parseHyperparameters({ patience: '0' }), undefined, {});
  assert.equal(
    text,
    '# The SageMaker training job (without a name); on another machine:\nnpm run train -- --data DIR --seed 1',
  );
});
