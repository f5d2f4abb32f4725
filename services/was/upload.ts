import type { Context } from 'hono';
import { z } from 'zod';
import { ProblemError } from '../http/problem.ts';

/** The field of a form that carries the photo. */
const FIELD = 'file';

const WAYS = `Send the photo as the multipart field "${FIELD}", as a raw image/* body, or as JSON {"image": "<base64>"}.`;

const formSchema = z.object({ [FIELD]: z.instanceof(File) });

/** A data URL (RFC 2397) or bare base64 (RFC 4648, padding optional). */
const BASE64 = /^(?:data:[\w.+-]+\/[\w.+-]+;base64,)?([A-Za-z0-9+/]*={0,2})$/;
const jsonSchema = z.object({ image: z.string() });

const fromForm = async (context: Context): Promise<Uint8Array> => {
  const form = await context.req.parseBody().catch((error: unknown) => {
    throw new ProblemError(
      'malformed-body',
      `The multipart form cannot be read: it is cut short or malformed. ${WAYS}`,
      {
        cause: error,
      },
    );
  });
  const parsed = formSchema.safeParse(form);
  if (!parsed.success) {
    throw new ProblemError('missing-photo', `The form has no file in its field "${FIELD}". ${WAYS}`);
  }
  return new Uint8Array(await parsed.data[FIELD].arrayBuffer());
};

const fromJson = async (context: Context): Promise<Uint8Array> => {
  const body: unknown = await context.req.json().catch((error: unknown) => {
    throw new ProblemError('malformed-body', `The body is not JSON. ${WAYS}`, { cause: error });
  });
  const parsed = jsonSchema.safeParse(body);
  if (!parsed.success)
    throw new ProblemError('missing-photo', `The JSON has no text in its field "image". ${WAYS}`);
  const base64 = BASE64.exec(parsed.data.image)?.[1];
  if (base64 === undefined || base64.replace(/=+$/, '').length % 4 === 1) {
    throw new ProblemError('malformed-body', 'The field "image" is neither base64 nor a base64 data URL.');
  }
  return Buffer.from(base64, 'base64');
};

/**
 * The bytes of the photo in a request, however they were sent.
 *
 * @throws ProblemError `unsupported-content-type`, `malformed-body` or `missing-photo`
 */
export const readUpload = async (context: Context): Promise<Uint8Array> => {
  const contentType = context.req.header('Content-Type') ?? '';
  const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (mediaType === 'multipart/form-data') return fromForm(context);
  if (mediaType === 'application/json') return fromJson(context);
  if (mediaType.startsWith('image/') || mediaType === 'application/octet-stream') {
    return new Uint8Array(await context.req.arrayBuffer());
  }
  const claimed =
    mediaType === '' ? 'The request has no Content-Type.' : `Content-Type ${mediaType} is not accepted.`;
  throw new ProblemError('unsupported-content-type', `${claimed} ${WAYS}`);
};
