import sharp from 'sharp';
import { PHOTO_BYTES, PHOTO_SIDE } from '../contract/tensors.ts';
import {
  detectFormat,
  isHeif,
  MAX_PHOTO_BYTES,
  MAX_PHOTO_PIXELS,
  MIN_PHOTO_SIDE,
  PhotoError,
  type PhotoFormat,
  TOO_LARGE_MESSAGE,
} from './format.ts';
import { inspect, type PhotoHeader } from './inspect.ts';

// A service decodes every photo only once, so libvips's operation cache would waste memory.
sharp.cache(false);
// One thread per photo; several photos are decoded in parallel on libuv's thread pool.
sharp.concurrency(1);

const isGif = (file: Uint8Array) => Buffer.from(file.subarray(0, 4)).toString('latin1') === 'GIF8';

const ACCEPTED = 'Send one still photo as JPEG, PNG or WebP.';

const checkFile = (file: Uint8Array): PhotoFormat => {
  if (file.byteLength === 0) throw new PhotoError('empty', `The photo is empty (0 bytes). ${ACCEPTED}`);
  if (file.byteLength > MAX_PHOTO_BYTES) throw new PhotoError('too-large', TOO_LARGE_MESSAGE);
  const format = detectFormat(file);
  if (format !== undefined) return format;
  const reason = isHeif(file)
    ? 'The photo is in HEIC or AVIF format, which is not accepted. On an iPhone choose Settings > Camera > Formats > Most Compatible, or convert it.'
    : isGif(file)
      ? 'The file is a GIF, which is not accepted.'
      : 'The content is not a photo in an accepted format, whatever its file name says.';
  throw new PhotoError('unsupported-format', `${reason} ${ACCEPTED}`);
};

/** Longest side, in pixels: any camera's panorama fits. */
const MAX_PHOTO_SIDE = 32_767;

const checkPicture = ({ width, height, frames }: PhotoHeader): void => {
  if (frames > 1)
    throw new PhotoError(
      'unsupported-format',
      `The picture is an animation of ${frames} frames. ${ACCEPTED}`,
    );
  const size = `The photo has ${width} x ${height} pixels`;
  const smaller = 'Send a smaller version of it.';
  if (width * height > MAX_PHOTO_PIXELS)
    throw new PhotoError(
      'too-many-pixels',
      `${size}; at most ${MAX_PHOTO_PIXELS / 1e6} million are accepted. ${smaller}`,
    );
  if (Math.max(width, height) > MAX_PHOTO_SIDE)
    throw new PhotoError('too-many-pixels', `${size}; a side may have at most ${MAX_PHOTO_SIDE}. ${smaller}`);
  if (Math.min(width, height) < MIN_PHOTO_SIDE)
    throw new PhotoError(
      'too-few-pixels',
      `${size}; each side needs at least ${MIN_PHOTO_SIDE}. Send a larger one.`,
    );
};

/** Whether decoding stays within limits of CPU time, in milliseconds, and memory, in bytes. */
const within =
  (most: Pick<PhotoHeader, 'milliseconds' | 'bytes'>) =>
  ({ milliseconds, bytes }: PhotoHeader): boolean =>
    milliseconds <= most.milliseconds && bytes <= most.bytes;

/** A 48-megapixel JPEG of 60 scans and a 12-megapixel PNG of 16 bits fit; so does a progressive JPEG of 48 megapixels. */
const isAffordable = within({ milliseconds: 1000, bytes: 320e6 });

/** Whether decoding is fast and takes little memory. Other photos must not delay these. */
export const isCheap = within({ milliseconds: 300, bytes: 64e6 });

/** Whether decoding is almost instant, as for any photo of a few megapixels. These do not wait for cheap ones either. */
export const isSmall = within({ milliseconds: 40, bytes: 32e6 });

/** Pixels per byte of a costly photo; no camera comes near this. */
const MAX_PIXELS_PER_BYTE = 1000;

const checkCost = (header: PhotoHeader, size: number): void => {
  const { width, height } = header;
  const isHollow = !isCheap(header) && width * height > size * MAX_PIXELS_PER_BYTE;
  if (isAffordable(header) && !isHollow) return;
  throw new PhotoError(
    'too-costly',
    `Decoding the photo would take too much time or memory: it has ${width} x ${height} pixels in an encoding that is expensive to decode, such as very many scans, interlacing, 16 bits a colour or lossless WebP. Send it as an ordinary JPEG, or a smaller version of it.`,
  );
};

const unreadable = (cause: unknown): PhotoError =>
  new PhotoError(
    'unreadable',
    `The photo is damaged or truncated and cannot be decoded. Open it in an image viewer, save it again and resend.`,
    { cause },
  );

/**
 * Checks a photo without decoding a pixel.
 *
 * @returns its size, and the estimated decoding cost
 * @throws PhotoError if its header shows that the file violates the contract
 *
 * @example
 * checkPhoto(photo).width; // => 64
 */
export const checkPhoto = (file: Uint8Array): PhotoHeader => {
  const header = inspect(file, checkFile(file));
  if (!header) throw unreadable('no size is found');
  checkPicture(header);
  checkCost(header, file.byteLength);
  return header;
};

/**
 * The photo contract: converts a photo file to the model's input. Training and serving both use this function, so they
 * cannot see different pixels.
 *
 * The EXIF orientation is applied first; then the largest centred square is resized to 224 x 224; transparency becomes
 * white; any colour space becomes sRGB.
 *
 * @param file the file: JPEG, PNG or WebP, detected by its content
 * @param header the result of {@link checkPhoto} @default - the file is checked here
 * @returns uint8 RGB, `224 * 224 * 3` bytes, row-major
 * @throws PhotoError if the file violates the contract
 *
 * @example
 * const pixels = await readPhoto(photo);
 * [...pixels.subarray(0, 3)]; // => [255, 0, 0]
 */
export const readPhoto = async (
  file: Uint8Array,
  { shrinkOnLoad }: PhotoHeader = checkPhoto(file),
): Promise<Uint8Array> => {
  const pixels = await sharp(file, { failOn: 'error', limitInputPixels: false })
    .autoOrient()
    .resize(PHOTO_SIDE, PHOTO_SIDE, { fit: 'cover', position: 'centre', fastShrinkOnLoad: shrinkOnLoad })
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
