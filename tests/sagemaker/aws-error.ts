/** An error as AWS answers it; the SDK makes an exception of this name of it. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;
  /** Further fields of the answer. */
  readonly fields: object;

  constructor(code: string, message: string, { status = 400, fields = {} } = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.fields = fields;
  }
}

/** SageMaker has hardly any other. */
export const invalid = (message: string): AwsError => new AwsError('ValidationException', message);
