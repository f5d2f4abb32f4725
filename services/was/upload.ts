import { ProblemError } from '../http/problem.ts';
import { readFormFiles } from './form.ts';
import { readJsonPhoto } from './json-photo.ts';

/** The field of a form that carries the photo. */
const FIELD = 'file';
/** The same of JSON. */
const JSON_FIELD = 'image';

const WAYS = `Send the photo as the multipart field "${FIELD}", as a raw image/* body, or as JSON {"${JSON_FIELD}": "<base64>"}.`;

const readForm = (form: Buffer, contentType: string): Buffer => {
  let files: Buffer[];
  try {
    files = readFormFiles({ form, contentType, field: FIELD });
  } catch (error) {
    throw new ProblemError(
      'malformed-body',
      `The multipart form cannot be read: it is cut short or malformed, or its Content-Type names no boundary. ${WAYS}`,
      { cause: error },
    );
  }
  const [file] = files;
  if (!file) throw new ProblemError('missing-photo', `The form has no file in its field "${FIELD}". ${WAYS}`);
  if (files.length > 1) {
    throw new ProblemError(
      'too-many-photos',
      `The form has ${files.length} files in its field "${FIELD}". One photo at a time is classified: send each in a request of its own, and of a Live Photo only the still picture.`,
    );
  }
  return file;
};

const readJson = async (json: Buffer, signal: AbortSignal | undefined): Promise<Buffer> => {
  const photo = await readJsonPhoto({ json, field: JSON_FIELD, ...(signal && { signal }) }).catch(
    (error: unknown) => {
      signal?.throwIfAborted();
      const what = error instanceof Error ? error.message : String(error);
      throw new ProblemError('malformed-body', `${what} ${WAYS}`, { cause: error });
    },
  );
  if (photo) return photo;
  throw new ProblemError('missing-photo', `The JSON has no text in its field "${JSON_FIELD}". ${WAYS}`);
};

export interface UploadOptions {
  /** JSON is decoded into it. */
  readonly body: Buffer;
  /** Of the request; its Content-Type says how the photo is wrapped. */
  readonly headers: Headers;
  /** Ends the reading. @default none */
  readonly signal?: AbortSignal;
}

/** @throws ProblemError `unsupported-content-type` */
const readMediaType = (headers: Headers): string => {
  const encoding = (headers.get('Content-Encoding') ?? '').trim();
  // Codings have no case (RFC 9110, 8.4.1).
  if (encoding !== '' && encoding.toLowerCase() !== 'identity') {
    throw new ProblemError(
      'unsupported-content-type',
      `Content-Encoding ${encoding} is not accepted; photos are compressed already. ${WAYS}`,
    );
  }
  const type = headers.get('Content-Type')?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const isAccepted = ['multipart/form-data', 'application/json', 'application/octet-stream'].includes(type);
  if (isAccepted || type.startsWith('image/')) return type;
  const claimed = type === '' ? 'The request has no Content-Type.' : `Content-Type ${type} is not accepted.`;
  throw new ProblemError('unsupported-content-type', `${claimed} ${WAYS}`);
};

/**
 * The bytes of the photo in a body, as a view into it: a form, JSON, or the photo itself.
 *
 * @throws ProblemError `unsupported-content-type`, `malformed-body`, `missing-photo` or `too-many-photos`
 * @example
 * const headers = new Headers({ 'Content-Type': 'application/json' });
 * const body = Buffer.from('{"image": "data:image/png;base64,AAEC"}');
 * [...(await readUpload({ body, headers }))]; // => [0, 1, 2]
 */
export const readUpload = async ({ body, headers, signal }: UploadOptions): Promise<Buffer> => {
  const type = readMediaType(headers);
  if (type === 'multipart/form-data') return readForm(body, headers.get('Content-Type') ?? '');
  return type === 'application/json' ? readJson(body, signal) : body;
};
