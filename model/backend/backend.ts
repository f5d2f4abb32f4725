import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import { errorText } from '../shared/text.ts';
import { registerTrainingKernels } from './wasm-kernels.ts';

/** The backend that computes tensors, and why it was chosen. */
export interface Backend {
  readonly name: 'tensorflow' | 'wasm';
  /** A sentence for users: what computes, and why nothing faster does. */
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
 * Removes the process-wide error listeners that WebAssembly's glue code adds while it is loaded. They rethrow each
 * error, which hides its message behind the glue's source code and ends a job before it has reported why.
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
 * Initializes TensorFlow.js: natively if `@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs-node` can be loaded,
 * otherwise on WebAssembly with the kernels that training needs.
 *
 * @param options.native whether to try native TensorFlow. @default true
 */
export const loadBackend = async ({ native = true }: { native?: boolean } = {}): Promise<Backend> => {
  const found = native ? tryNative() : 'native TensorFlow was not requested';
  const backend: Backend =
    typeof found === 'string' ? { name: 'wasm', reason: `WebAssembly (${found})` } : found;
  if (backend.name === 'wasm') {
    // Imported lazily: native TensorFlow registers its own cpu backend.
    await import('@tensorflow/tfjs-backend-cpu');
    const { setThreadsCount } = await import('@tensorflow/tfjs-backend-wasm');
    // Workers have no shared WebAssembly memory here, so asking for threads only costs a probe.
    setThreadsCount(1);
    registerTrainingKernels();
  }
  await withoutItsListeners(async () => {
    await tf.setBackend(backend.name);
    await tf.ready();
  });
  return backend;
};
