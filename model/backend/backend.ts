import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import { errorText } from '../shared/text.ts';
import { registerTrainingKernels } from './wasm-kernels.ts';

/** Where tensors are computed, and why there. */
export interface Backend {
  readonly name: 'tensorflow' | 'wasm';
  /** One sentence for the person who waits: what runs the numbers, and why not something faster. */
  readonly reason: string;
}

const NATIVE_PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

const firstLine = (error: unknown) => errorText(error).split('\n', 1)[0];

const isMissing = (error: unknown, name: string): boolean =>
  error instanceof Error && error.message.startsWith(`Cannot find module '${name}'`);

/** Loading the package registers its backend, as a side effect. */
const tryNative = (): Backend | string => {
  const require = createRequire(import.meta.url);
  const failures: string[] = [];
  for (const name of NATIVE_PACKAGES) {
    try {
      require(name);
      return { name: 'tensorflow', reason: `native TensorFlow (${name} is installed)` };
    } catch (error) {
      if (!isMissing(error, name)) failures.push(`${name} does not load: ${firstLine(error)}`);
    }
  }
  return failures.length === 0 ? 'native TensorFlow is not installed' : failures.join('; ');
};

/**
 * Takes away the listeners for errors that WebAssembly's glue code adds to the whole process while it is loaded: they
 * throw each error again, so that its reason drowns in the glue's own code, and a job ends before it has written why.
 */
const withoutItsListeners = async (load: () => Promise<void>): Promise<void> => {
  const [exceptions, rejections] = [
    process.listeners('uncaughtException'),
    process.listeners('unhandledRejection'),
  ];
  await load();
  for (const listener of process.listeners('uncaughtException'))
    if (!exceptions.includes(listener)) process.removeListener('uncaughtException', listener);
  for (const listener of process.listeners('unhandledRejection'))
    if (!rejections.includes(listener)) process.removeListener('unhandledRejection', listener);
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
  await withoutItsListeners(async () => {
    await tf.setBackend(backend.name);
    await tf.ready();
  });
  return backend;
};
