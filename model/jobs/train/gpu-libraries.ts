/** It comes with the machine; all others with the image. */
export const NVIDIA_DRIVER = 'libcuda.so.1';

/** What TensorFlow 2.9, which tfjs-node-gpu 4.22 brings, opens when it looks for a GPU (its dso_loader.cc). */
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

/** Asks the system's loader, as TensorFlow does. */
const isMissing = (library: string): boolean => {
  try {
    process.dlopen({ exports: {} }, library);
    return false;
  } catch (error) {
    // A library that was found is refused too, as no module of Node.js.
    return error instanceof Error && error.message.includes('cannot open shared object file');
  }
};

/** Libraries that a GPU needs and that cannot be loaded. */
export const missingLibraries = (): string[] => GPU_LIBRARIES.filter(isMissing);
