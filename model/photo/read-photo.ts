import sharp from 'sharp';
import { PHOTO_BYTES, PHOTO_SIDE } from '../contract/tensors.ts';
import {
  detectFormat,
  isHeif,
  MAX_PHOTO_BYTES,
  MAX_PHOTO_FRAMES,
  MAX_PHOTO_PIXELS,
  MAX_PHOTO_SIDE,
  MIN_PHOTO_SIDE,
  PhotoError,
  TOO_LARGE_MESSAGE,
} from './format.ts';

// A service decodes every photo once: libvips's cache of operations would only hold memory.
sharp.cache(false);
// One thread a photo; many photos run side by side on libuv's pool.
sharp.concurrency(1);

const ACCEPTED = 'Send one still photo as JPEG, PNG or WebP.';

/** Checks that need only the first bytes. */
const checkFile = (file: Uint8Array): void => {
  if (file.byteLength === 0) throw new PhotoError('empty', `The photo is empty (0 bytes). ${ACCEPTED}`);
  if (file.byteLength > MAX_PHOTO_BYTES) throw new PhotoError('too-large', TOO_LARGE_MESSAGE);
  if (detectFormat(file) !== undefined) return;
  const reason = isHeif(file)
    ? 'The photo is in HEIC or AVIF format, which is not accepted. On an iPhone choose Settings > Camera > Formats > Most Compatible, or convert it.'
    : 'The content is not a photo in an accepted format, whatever its name says.';
  throw new PhotoError('unsupported-format', `${reason} ${ACCEPTED}`);
};

/** Checks that need the header. */
const checkPicture = (width: number, height: number, frames: number): void => {
  if (frames > MAX_PHOTO_FRAMES) {
    throw new PhotoError(
      'unsupported-format',
      `The picture is an animation of ${frames} frames. ${ACCEPTED}`,
    );
  }
  if (width * height > MAX_PHOTO_PIXELS) {
    throw new PhotoError(
      'too-many-pixels',
      `The photo has ${width} x ${height} pixels; at most ${MAX_PHOTO_PIXELS / 1e6} million are accepted. Send a smaller version of it.`,
    );
  }
  if (Math.max(width, height) > MAX_PHOTO_SIDE) {
    throw new PhotoError(
      'too-many-pixels',
      `The photo has ${width} x ${height} pixels; a side may have at most ${MAX_PHOTO_SIDE}. Send a smaller version of it.`,
    );
  }
  if (Math.min(width, height) < MIN_PHOTO_SIDE) {
    throw new PhotoError(
      'unreadable',
      `The photo has ${width} x ${height} pixels; each side needs at least ${MIN_PHOTO_SIDE}. Send a larger one.`,
    );
  }
};

const unreadable = (cause: unknown): PhotoError =>
  new PhotoError(
    'unreadable',
    `The photo is damaged or cut short and cannot be decoded. Open it in an image viewer, save it again and resend.`,
    { cause },
  );

/**
 * The photo contract: turns the bytes of a photo file into what the model reads. Training and serving both
 * go through this function, so they cannot see different pixels.
 *
 * The EXIF orientation is applied first; then the largest centred square is resized to 224 x 224; transparency
 * is laid on white; any colour space becomes sRGB.
 *
 * @param file the file: JPEG, PNG or WebP, recognized by its content
 * @returns uint8 RGB, `224 * 224 * 3` bytes, row-major
 * @throws PhotoError when the file breaks the contract
 */
export const readPhoto = async (file: Uint8Array): Promise<Uint8Array> => {
  checkFile(file);
  const image = sharp(file, { failOn: 'error', limitInputPixels: false });
  const {
    width,
    height,
    pages = 1,
  } = await image.metadata().catch((error: unknown) => {
    throw unreadable(error);
  });
  checkPicture(width, height, pages);
  const pixels = await image
    .autoOrient()
    // Without the fast path, whose rounding differs by format: the same picture must give the same pixels.
    .resize(PHOTO_SIDE, PHOTO_SIDE, { fit: 'cover', position: 'centre', fastShrinkOnLoad: false })
    .flatten({ background: 'white' })
    .toColourspace('srgb')
    .raw()
    .toBuffer()
    .catch((error: unknown) => {
      throw unreadable(error);
    });
  if (pixels.byteLength !== PHOTO_BYTES) throw unreadable(`${pixels.byteLength} bytes decoded`);
  return pixels;
};
