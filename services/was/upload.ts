import { buffer } from 'node:stream/consumers';
import { Busboy } from '@fastify/busboy';
import { z } from 'zod';
import { ProblemError } from '../http/problem.ts';

/** The field of a form that carries the photo. */
const FIELD = 'file';

const WAYS = `Send the photo as the multipart field "${FIELD}", as a raw image/* body, or as JSON {"image": "<base64>"}.`;

/** No form of a photo has nearly as many, and each costs time. */
const MAX_PARTS = 100;
/** Bytes that are parsed at a time: then a failure ends the parsing. */
const STEP = 2 ** 16;

export interface FormFileOptions {
  readonly form: Uint8Array;
  /** With the form's boundary. */
  readonly contentType: string;
  readonly field: string;
}

/**
 * The bytes of the first file in a field of a multipart form (RFC 7578). `Request.formData()` refuses forms of widespread
 * clients, such as .NET's, which writes `name=file; filename=a.jpg; filename*=utf-8''a.jpg`.
 *
 * @returns undefined when the field has no file
 * @throws Error when the form is malformed or cut short
 */
export const readFormFile = async ({
  form,
  contentType,
  field,
}: FormFileOptions): Promise<Uint8Array | undefined> => {
  const parser = new Busboy({ headers: { 'content-type': contentType }, limits: { parts: MAX_PARTS } });
  return new Promise((resolve, reject) => {
    let file: Promise<Uint8Array> | undefined;
    let failed = false;
    const fail = (error: unknown) => {
      failed = true;
      reject(error);
    };
    parser.on('file', (name, content) => {
      if (name === field && !file) {
        file = buffer(content);
        file.catch(fail);
      } else content.on('error', fail).resume();
    });
    parser.on('partsLimit', () => fail(new Error(`The form has more than ${MAX_PARTS} parts.`)));
    parser.on('finish', () => resolve(file));
    parser.on('error', fail);
    for (let at = 0; at < form.length && !failed; at += STEP) parser.write(form.subarray(at, at + STEP));
    parser.end();
  });
};

const readForm = async (form: Buffer, contentType: string): Promise<Uint8Array> => {
  const file = await readFormFile({ form, contentType, field: FIELD }).catch((error: unknown) => {
    throw new ProblemError(
      'malformed-body',
      `The multipart form cannot be read: it is cut short or malformed, or its Content-Type names no boundary. ${WAYS}`,
      { cause: error },
    );
  });
  if (!file) throw new ProblemError('missing-photo', `The form has no file in its field "${FIELD}". ${WAYS}`);
  return file;
};

/** A data URL (RFC 2397) or bare base64 (RFC 4648, padding optional); MIME's line breaks do not count (RFC 2045). */
const BASE64 = /^(?:data:[^,]*;base64,)?([a-z0-9+/]*={0,2})$/i;
const jsonSchema = z.object({ image: z.string() });

const parseJson = (body: Buffer): unknown => {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch (error) {
    throw new ProblemError('malformed-body', `The body is not JSON. ${WAYS}`, { cause: error });
  }
};

const readJson = (body: Buffer): Uint8Array => {
  const parsed = jsonSchema.safeParse(parseJson(body));
  if (!parsed.success)
    throw new ProblemError('missing-photo', `The JSON has no text in its field "image". ${WAYS}`);
  const base64 = BASE64.exec(parsed.data.image.replace(/\s+/g, ''))?.[1];
  if (base64 === undefined || base64.replace(/=+$/, '').length % 4 === 1) {
    throw new ProblemError('malformed-body', 'The field "image" is neither base64 nor a base64 data URL.');
  }
  return Buffer.from(base64, 'base64');
};

export interface UploadOptions {
  readonly body: Buffer;
  /** Of the request; its Content-Type says how the photo is wrapped. */
  readonly headers: Headers;
}

/**
 * The bytes of the photo in a body: a form, JSON, or the photo itself.
 *
 * @throws ProblemError `unsupported-content-type`, `malformed-body` or `missing-photo`
 * @example
 * const headers = new Headers({ 'Content-Type': 'application/json' });
 * const body = Buffer.from('{"image": "data:image/png;base64,AAEC"}');
 * [...(await readUpload({ body, headers }))]; // => [0, 1, 2]
 */
export const readUpload = async ({ body, headers }: UploadOptions): Promise<Uint8Array> => {
  const encoding = headers.get('Content-Encoding') ?? 'identity';
  if (encoding !== 'identity') {
    throw new ProblemError(
      'unsupported-content-type',
      `Content-Encoding ${encoding} is not accepted; photos are compressed already. ${WAYS}`,
    );
  }
  const contentType = headers.get('Content-Type') ?? '';
  const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (mediaType === 'multipart/form-data') return readForm(body, contentType);
  if (mediaType === 'application/json') return readJson(body);
  if (mediaType.startsWith('image/') || mediaType === 'application/octet-stream') return body;
  const claimed =
    mediaType === '' ? 'The request has no Content-Type.' : `Content-Type ${mediaType} is not accepted.`;
  throw new ProblemError('unsupported-content-type', `${claimed} ${WAYS}`);
};
