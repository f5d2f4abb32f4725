/** The model cannot be written as a SavedModel without changing what it computes. */
export class ExportError extends Error {
  override readonly name = 'ExportError';

  /** @param layer name of the layer @param problem what about it, and what to use instead */
  constructor(layer: string, problem: string) {
    super(`Layer ${layer} cannot be exported: ${problem}`);
  }
}

/** A SavedModel that this code does not understand, or that lacks what the serving contract demands. */
export class SavedModelError extends Error {
  override readonly name = 'SavedModelError';
}
