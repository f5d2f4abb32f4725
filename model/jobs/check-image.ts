import * as tf from '@tensorflow/tfjs-core';
import { loadBackend } from '../backend/backend.ts';
import { missingLibraries, NVIDIA_DRIVER } from './train/gpu-libraries.ts';

/**
 * Run while the learning image is built, whose build fails if anything is missing that its jobs need. Machines that
 * build images have no GPU: whether TensorFlow can use one is checked when a training starts.
 */

const backend = await loadBackend();
if (backend.name !== 'tensorflow')
  throw new Error(`TensorFlow cannot be loaded; jobs would compute on ${backend.reason}.`);
const [sum] = tf.sum(tf.tensor([1, 2])).dataSync();
if (sum !== 3) throw new Error(`TensorFlow adds 1 and 2 to ${sum}.`);

// Comes with the machine.
const missing = missingLibraries().filter((library) => library !== NVIDIA_DRIVER);
if (missing.length > 0)
  throw new Error(`Libraries of CUDA 11 and cuDNN 8 are missing: ${missing.join(', ')}.`);

await import('./train/job.ts');
await import('./evaluate/job.ts');
await import('./deploy-endpoint/job.ts');
process.stdout.write(`The image is complete: ${backend.reason}.\n`);
