/** A pretrained network that cannot serve as a backbone. */
export class BackboneError extends Error {
  override readonly name = 'BackboneError';

  /** @param directory where the network lies @param problem what about it, and what to use instead */
  constructor(directory: string, problem: string, options?: ErrorOptions) {
    super(`The backbone in ${directory} cannot be used: ${problem}`, options);
  }

  static unopened(directory: string, cause: unknown): BackboneError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new BackboneError(directory, `TensorFlow.js cannot open it (${reason}).`, { cause });
  }
}
