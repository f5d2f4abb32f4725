/** Draft: filled in below. */
export const registerTrainingKernels = (): void => {};
