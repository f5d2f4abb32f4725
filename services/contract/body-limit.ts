import { MAX_PHOTO_BYTES } from '../../model/photo/format.ts';

/** Room for what surrounds the photo in a body: multipart boundaries and headers, or JSON's other fields. */
const ENVELOPE_BYTES = 64 * 1024;

/**
 * Largest body of `POST /classify/image`, in bytes. Base64 inside JSON takes four bytes for three of the photo, so a
 * largest photo fits in either form; the photo itself is measured again once it is taken out of the body.
 */
export const MAX_BODY_BYTES = Math.ceil((MAX_PHOTO_BYTES * 4) / 3) + ENVELOPE_BYTES;
