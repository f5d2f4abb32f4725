import { access } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs-core';
import { loadBackend } from '../backend/backend.ts';
import { SHIPPED } from '../calibration/background.ts';
import { missingLibraries, NVIDIA_DRIVER } from './gpu.ts';

/**
 * Fails the build of the learning image if anything is missing that its jobs need. Build machines have no GPU, so
 * whether TensorFlow can use one is checked when a training starts.
 */

const backend = await loadBackend();
if (backend.name !== 'tensorflow')
  throw new Error(`TensorFlow cannot be loaded; jobs would compute on ${backend.reason}.`);
const [sum] = tf.sum(tf.tensor([1, 2])).dataSync();
if (sum !== 3) throw new Error(`TensorFlow adds 1 and 2 to ${sum}.`);

// Provided by the instance.
const missing = missingLibraries().filter((library) => library !== NVIDIA_DRIVER);
if (missing.length > 0)
  throw new Error(`Libraries of CUDA 11 and cuDNN 8 are missing: ${missing.join(', ')}.`);

await access(SHIPPED);
await import('./train.ts');
await import('./evaluate.ts');
await import('./deploy/job.ts');
process.stdout.write(`The image is complete: ${backend.reason}.\n`);
