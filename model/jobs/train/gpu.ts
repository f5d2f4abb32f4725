import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Backend } from '../../backend/backend.ts';
import { TRAINING_ENVIRONMENT } from '../../contract/sagemaker-jobs.ts';
import { missingLibraries, NVIDIA_DRIVER } from './gpu-libraries.ts';

/** What native TensorFlow knows of itself; it falls back to the CPU without a word. */
const nativeSchema = z.object({ isUsingGpuDevice: z.boolean() });

/** Whether TensorFlow.js computes on a GPU. Call it after the backend was loaded. */
export const usesGpu = (): boolean => nativeSchema.safeParse(tf.backend()).data?.isUsingGpuDevice ?? false;

const advice = (missing: readonly string[]): string => {
  if (missing.includes(NVIDIA_DRIVER))
    return 'The machine has no NVIDIA driver: choose an instance type with a GPU, such as ml.g4dn.xlarge.';
  if (missing.length > 0)
    return 'The image lacks libraries of CUDA 11 or cuDNN 8: build it from model/Dockerfile.';
  return 'All libraries were found: look with nvidia-smi whether the machine has a GPU that is free and a driver for CUDA 11.8.';
};

/**
 * @throws Error when a GPU is required and none is used; it names the libraries that were not found, and what to do
 */
export const checkGpu = (environment: NodeJS.ProcessEnv, backend: Backend): void => {
  if (environment[TRAINING_ENVIRONMENT.requireGpu] !== 'true' || usesGpu()) return;
  const missing = missingLibraries();
  const found = missing.length > 0 ? ` Not found: ${missing.join(', ')}.` : '';
  throw new Error(
    `${TRAINING_ENVIRONMENT.requireGpu} is true, but no GPU can be used; the training would run on ${backend.reason}.${found} ${advice(missing)} To train without a GPU anyway, leave ${TRAINING_ENVIRONMENT.requireGpu} unset.`,
  );
};
