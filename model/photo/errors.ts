/** Why a photo was refused; each maps to one HTTP status in the services. */
export type PhotoErrorCode =
  | 'empty'
  | 'too-large'
  | 'unsupported-format'
  | 'too-few-pixels'
  | 'too-many-pixels'
  | 'too-costly'
  | 'unreadable';

/** A photo that breaks the contract. The message says what is wrong and what to send instead. */
export class PhotoError extends Error {
  override readonly name = 'PhotoError';
  readonly code: PhotoErrorCode;

  constructor(code: PhotoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
