import { z } from 'zod';
import { ProblemError } from '../http/problem.ts';
import { readFormFile } from './form-file.ts';

/** The field of a form that carries the photo. */
const FIELD = 'file';

const WAYS = `Send the photo as the multipart field "${FIELD}", as a raw image/* body, or as JSON {"image": "<base64>"}.`;

/** A data URL (RFC 2397) or bare base64 (RFC 4648, padding optional); MIME's line breaks do not count (RFC 2045). */
const BASE64 = /^(?:data:[^,]*;base64,)?([a-z0-9+/]*={0,2})$/i;
const jsonSchema = z.object({ image: z.string() });

const fromForm = async (body: Buffer, contentType: string): Promise<Uint8Array> => {
  const file = await readFormFile(body, contentType, FIELD).catch((error: unknown) => {
    throw new ProblemError(
      'malformed-body',
      `The multipart form cannot be read: it is cut short or malformed, or its Content-Type names no boundary. ${WAYS}`,
      { cause: error },
    );
  });
  if (!file) throw new ProblemError('missing-photo', `The form has no file in its field "${FIELD}". ${WAYS}`);
  return file;
};

const parseJson = (body: Buffer): unknown => {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch (error) {
    throw new ProblemError('malformed-body', `The body is not JSON. ${WAYS}`, { cause: error });
  }
};

const fromJson = (body: Buffer): Uint8Array => {
  const parsed = jsonSchema.safeParse(parseJson(body));
  if (!parsed.success)
    throw new ProblemError('missing-photo', `The JSON has no text in its field "image". ${WAYS}`);
  const base64 = BASE64.exec(parsed.data.image.replace(/\s+/g, ''))?.[1];
  if (base64 === undefined || base64.replace(/=+$/, '').length % 4 === 1) {
    throw new ProblemError('malformed-body', 'The field "image" is neither base64 nor a base64 data URL.');
  }
  return Buffer.from(base64, 'base64');
};

/**
 * The bytes of the photo in a body, however they were sent.
 *
 * @throws ProblemError `unsupported-content-type`, `malformed-body` or `missing-photo`
 */
export const readUpload = async (body: Buffer, headers: Headers): Promise<Uint8Array> => {
  const encoding = headers.get('Content-Encoding') ?? 'identity';
  if (encoding !== 'identity') {
    throw new ProblemError(
      'unsupported-content-type',
      `Content-Encoding ${encoding} is not accepted; photos are compressed already. ${WAYS}`,
    );
  }
  const contentType = headers.get('Content-Type') ?? '';
  const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (mediaType === 'multipart/form-data') return fromForm(body, contentType);
  if (mediaType === 'application/json') return fromJson(body);
  if (mediaType.startsWith('image/') || mediaType === 'application/octet-stream') return body;
  const claimed =
    mediaType === '' ? 'The request has no Content-Type.' : `Content-Type ${mediaType} is not accepted.`;
  throw new ProblemError('unsupported-content-type', `${claimed} ${WAYS}`);
};
