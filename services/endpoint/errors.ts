/** An error as TensorFlow Serving reports it: `{"error": "<message>"}` with an HTTP status. */
export class ServingError extends Error {
  override readonly name = 'ServingError';
  readonly status: 400 | 404 | 413 | 415;

  constructor(status: ServingError['status'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** TensorFlow's INVALID_ARGUMENT. */
export const invalidArgument = (message: string): ServingError => new ServingError(400, message);
