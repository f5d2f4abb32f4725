import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Backend } from '../backend/backend.ts';
import { TRAINING_ENVIRONMENT } from '../contract/sagemaker-jobs.ts';
/** Provided by the instance; all others by the image. */
export const NVIDIA_DRIVER = 'libcuda.so.1';

/** The libraries that TensorFlow 2.9, which tfjs-node-gpu 4.22 includes, opens to find a GPU (its dso_loader.cc). */
const GPU_LIBRARIES = [
  NVIDIA_DRIVER,
  'libcudart.so.11.0',
  'libcublas.so.11',
  'libcublasLt.so.11',
  'libcufft.so.10',
  'libcurand.so.10',
  'libcusolver.so.11',
  'libcusparse.so.11',
  'libcudnn.so.8',
] as const;

/** Uses the system's loader, like TensorFlow. */
const isMissing = (library: string): boolean => {
  try {
    process.dlopen({ exports: {} }, library);
    return false;
  } catch (error) {
    // A library that was found fails too, because it is not a Node.js module.
    return error instanceof Error && error.message.includes('cannot open shared object file');
  }
};

export const missingLibraries = (): string[] => GPU_LIBRARIES.filter(isMissing);

/** State of native TensorFlow, which silently falls back to the CPU. */
const nativeSchema = z.object({ isUsingGpuDevice: z.boolean() });

/** Whether TensorFlow.js computes on a GPU. Call it after loading the backend. */
export const usesGpu = (): boolean => nativeSchema.safeParse(tf.backend()).data?.isUsingGpuDevice ?? false;

/** @throws Error if a GPU is required and none is used; it names the missing libraries, and what to do */
export const checkGpu = (environment: NodeJS.ProcessEnv, backend: Backend): void => {
  if (environment[TRAINING_ENVIRONMENT.requireGpu] !== 'true' || usesGpu()) return;
  const missing = missingLibraries().join(', ') || 'nothing, so check with nvidia-smi whether a GPU is free';
  throw new Error(
    `${TRAINING_ENVIRONMENT.requireGpu} is true, but no GPU can be used; the training would run on ${backend.reason}. Not found: ${missing}. ${NVIDIA_DRIVER} comes with an instance type that has a GPU, such as ml.g4dn.xlarge, the others with the image of model/Dockerfile. To train without a GPU anyway, leave ${TRAINING_ENVIRONMENT.requireGpu} unset.`,
  );
};
