import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import { registerTrainingKernels } from './wasm-kernels.ts';

/** Where tensors are computed, and why there. */
export interface Backend {
  readonly name: 'tensorflow' | 'wasm';
  /** One sentence for the person who waits: what runs the numbers, and why not something faster. */
  readonly reason: string;
}

const NATIVE_PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

const firstLine = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0];

/** Loading the package registers its backend, as a side effect. */
const tryNative = (): Backend | string => {
  const require = createRequire(import.meta.url);
  const failures: string[] = [];
  for (const name of NATIVE_PACKAGES) {
    try {
      require(name);
      return { name: 'tensorflow', reason: `native TensorFlow (${name} is installed)` };
    } catch (error) {
      failures.push(`${name}: ${firstLine(error)}`);
    }
  }
  return failures.join('; ');
};

/**
 * Makes TensorFlow.js ready: natively when `@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs-node` loads, else on
 * WebAssembly with the kernels that training needs.
 *
 * @param options.native false: do not look for native TensorFlow. @default true
 */
export const loadBackend = async ({ native = true }: { native?: boolean } = {}): Promise<Backend> => {
  const found = native ? tryNative() : 'native TensorFlow was not asked for';
  const backend: Backend =
    typeof found === 'string' ? { name: 'wasm', reason: `WebAssembly (${found})` } : found;
  if (backend.name === 'wasm') {
    // Loaded only here: native TensorFlow registers a cpu backend of its own.
    await import('@tensorflow/tfjs-backend-cpu');
    const { setThreadsCount } = await import('@tensorflow/tfjs-backend-wasm');
    // Node has no shared WebAssembly memory for its workers here; asking for threads only costs a probe.
    setThreadsCount(1);
    registerTrainingKernels();
  }
  await tf.setBackend(backend.name);
  await tf.ready();
  return backend;
};
