/** Limits of the photo contract. A photo beyond one of them is refused before its pixels are decoded. */

/** Largest file, in bytes: a 48-megapixel JPEG from a phone fits. */
export const MAX_PHOTO_BYTES = 15 * 1024 * 1024;

/** Refuses a photo by its size, and a request too that is large because of its photo. */
export const TOO_LARGE_MESSAGE = `The photo is too large: at most ${MAX_PHOTO_BYTES / 2 ** 20} MiB are accepted. Send a smaller version of it: about 1600 pixels on its longer side are plenty.`;

/** Largest picture, in pixels: a 48-megapixel phone camera (8064 x 6048) fits. */
export const MAX_PHOTO_PIXELS = 50_000_000;

/** Longest side, in pixels: any camera's panorama fits. */
export const MAX_PHOTO_SIDE = 32_767;

/** Smallest side, in pixels: below it there is no flower to see. */
export const MIN_PHOTO_SIDE = 16;

/** Frames: an animation is not a photo. */
export const MAX_PHOTO_FRAMES = 1;

/** Longest decoding, in milliseconds of one core: a 48-megapixel JPEG of 60 scans and a 12-megapixel PNG of 16 bits fit. */
export const MAX_DECODE_MS = 1000;

/** Most memory for decoding, in bytes: a progressive JPEG of 48 megapixels fits, also without chroma subsampling. */
export const MAX_DECODE_BYTES = 320e6;

/** Decoding that takes longer than this, or more memory, is not to keep other photos waiting: see `isCheap`. */
export const CHEAP_DECODE_MS = 300;
export const CHEAP_DECODE_BYTES = 64e6;

/** Of a photo that is not cheap, pixels for each byte of its file; no camera comes near. */
export const MAX_PIXELS_PER_BYTE = 1000;
