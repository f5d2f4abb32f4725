import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type Backend, loadBackend } from '../../backend/backend.ts';
import { TRAINING_ENVIRONMENT } from '../../contract/sagemaker-jobs.ts';
import { checkGpu, usesGpu } from './gpu.ts';
import { missingLibraries } from './gpu-libraries.ts';

let backend: Backend;
before(async () => {
  backend = await loadBackend({ native: false });
});

test('WebAssembly is no GPU', () => assert.equal(usesGpu(), false));

test('without a GPU the job goes on, unless one is required', () => {
  for (const value of [undefined, '', 'false'])
    checkGpu(value === undefined ? {} : { [TRAINING_ENVIRONMENT.requireGpu]: value }, backend);
});

test('a required GPU that cannot be used ends the job, with the libraries that are missing and what to do', () => {
  const environment = { [TRAINING_ENVIRONMENT.requireGpu]: 'true' };
  assert.throws(
    () => checkGpu(environment, backend),
    ({ message }: Error) => {
      assert.match(message, /^REQUIRE_GPU is true, but no GPU can be used; .* WebAssembly/);
      for (const library of missingLibraries()) assert.ok(message.includes(library), library);
      assert.match(message, /leave REQUIRE_GPU unset\.$/);
      return true;
    },
  );
});
