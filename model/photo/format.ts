/** The file formats of the photo contract, as sharp names them. */
export const PHOTO_FORMATS = ['jpeg', 'png', 'webp'] as const;
export type PhotoFormat = (typeof PHOTO_FORMATS)[number];

/** The media types of {@link PHOTO_FORMATS}, for `Accept` headers and file pickers. */
export const PHOTO_MEDIA_TYPES = PHOTO_FORMATS.map((format) => `image/${format}`);

const startsWith = (bytes: Uint8Array, signature: readonly number[], offset = 0) =>
  signature.every((byte, index) => bytes[offset + index] === byte);

const ascii = (text: string) => [...text].map((character) => character.charCodeAt(0));

/**
 * Detects a photo's format from its first bytes, never from its name or the client's claim.
 *
 * Signatures: JPEG (ITU T.81 B.1.1.3: SOI and a marker), PNG (W3C PNG 5.2), WebP (RFC 9649 2.4).
 *
 * @example
 * detectFormat(Buffer.from('89504e470d0a1a0a', 'hex')); // => 'png'
 * detectFormat(Buffer.from('GIF89a')); // => undefined
 */
export const detectFormat = (bytes: Uint8Array): PhotoFormat | undefined => {
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return 'jpeg';
  if (startsWith(bytes, [0x89, ...ascii('PNG\r\n'), 0x1a, 0x0a])) return 'png';
  if (startsWith(bytes, ascii('RIFF')) && startsWith(bytes, ascii('WEBP'), 8)) return 'webp';
  return undefined;
};

/** Brands of HEIC and AVIF (ISO/IEC 23008-12 annex B, AVIF 1.1 section 6): formats of phones that we do not accept. */
const HEIF_BRANDS = ['heic', 'heix', 'hevc', 'heim', 'heis', 'mif1', 'msf1', 'avif', 'avis'];

/** Distinguishes HEIC and AVIF from other files with the same container, such as videos. */
export const isHeif = (bytes: Uint8Array): boolean =>
  startsWith(bytes, ascii('ftyp'), 4) && HEIF_BRANDS.some((brand) => startsWith(bytes, ascii(brand), 8));

/** Limits of the photo contract. They are checked before any pixel is decoded. */

/** Largest file, in bytes: a 48-megapixel JPEG from a phone fits. */
export const MAX_PHOTO_BYTES = 15 * 1024 * 1024;

/** The message for a photo that is too large, and for a request that is too large because of its photo. */
export const TOO_LARGE_MESSAGE = `The photo is too large: at most ${MAX_PHOTO_BYTES / 2 ** 20} MiB are accepted. Send a smaller version of it: about 1600 pixels on its longer side are enough.`;

/** Largest picture, in pixels: a 48-megapixel phone camera (8064 x 6048) fits. */
export const MAX_PHOTO_PIXELS = 50_000_000;

/** Smallest side, in pixels: below it no flower is recognizable. */
export const MIN_PHOTO_SIDE = 16;

/** Why a photo was refused; the services map each code to an HTTP status. */
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
