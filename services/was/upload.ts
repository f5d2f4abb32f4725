import { MAX_BODY_BYTES, MAX_PHOTOS, MAX_PHOTOS_BODY_BYTES, PATHS } from '../contract.ts';
import { ProblemError } from '../http/problem.ts';
import { readFormFiles } from './form.ts';
import { readJsonPhotos } from './json-photos.ts';

/** How a route takes its photos. */
export interface UploadKind {
  readonly isList: boolean;
  /** The field of a form, and that of JSON. */
  readonly field: string;
  readonly jsonField: string;
  readonly mostBytes: number;
  readonly ways: string;
}

export const ONE_PHOTO: UploadKind = {
  isList: false,
  field: 'file',
  jsonField: 'image',
  mostBytes: MAX_BODY_BYTES,
  ways: 'Send the photo as the multipart field "file", as a raw image/* body, or as JSON {"image": "<base64>"}.',
};

export const MANY_PHOTOS: UploadKind = {
  isList: true,
  field: 'files',
  jsonField: 'images',
  mostBytes: MAX_PHOTOS_BODY_BYTES,
  ways: `Send up to ${MAX_PHOTOS} photos as multipart fields "files", one as a raw image/* body, or JSON {"images": ["<base64>"]}.`,
};

/** What was sent as a photo, or why its place is empty. */
export type UploadedFile = Buffer | ProblemError;

const readForm = (form: Buffer, contentType: string, { field, isList, ways }: UploadKind): Buffer[] => {
  try {
    return readFormFiles({ form, contentType, field, isList });
  } catch (error) {
    throw new ProblemError(
      'malformed-body',
      `The multipart form cannot be read: it is cut short or malformed, or its Content-Type names no boundary. ${ways}`,
      { cause: error },
    );
  }
};

const readJson = async (
  json: Buffer,
  { jsonField: field, isList, ways }: UploadKind,
  signal: AbortSignal | undefined,
): Promise<UploadedFile[]> => {
  const photos = await readJsonPhotos({ json, field, isList, signal }).catch((error: unknown) => {
    signal?.throwIfAborted();
    const what = error instanceof Error ? error.message : String(error);
    throw new ProblemError('malformed-body', `${what} ${ways}`, { cause: error });
  });
  const notBase64 = `What is in the field "${field}" is neither base64 nor a base64 data URL. A photo itself is sent there, never its address. ${ways}`;
  return photos.map((photo) => photo ?? new ProblemError('malformed-body', notBase64));
};

/** @throws ProblemError `unsupported-content-type` */
const readMediaType = (headers: Headers, ways: string): string => {
  const encoding = (headers.get('Content-Encoding') ?? '').trim();
  // Codings have no case (RFC 9110, 8.4.1).
  if (encoding !== '' && encoding.toLowerCase() !== 'identity') {
    throw new ProblemError(
      'unsupported-content-type',
      `Content-Encoding ${encoding} is not accepted; photos are compressed already. ${ways}`,
    );
  }
  const type = headers.get('Content-Type')?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const isAccepted = ['multipart/form-data', 'application/json', 'application/octet-stream'].includes(type);
  if (isAccepted || type.startsWith('image/')) return type;
  const claimed = type === '' ? 'The request has no Content-Type.' : `Content-Type ${type} is not accepted.`;
  throw new ProblemError('unsupported-content-type', `${claimed} ${ways}`);
};

/** @throws ProblemError `missing-photo` or `too-many-photos` */
const checkCount = (count: number, { field, jsonField, isList, ways }: UploadKind): void => {
  if (count === 0) {
    const nowhere = `No photo is in the field "${field}" of a form, or "${jsonField}" of JSON.`;
    throw new ProblemError('missing-photo', `${nowhere} ${ways}`);
  }
  if (count <= (isList ? MAX_PHOTOS : 1)) return;
  const most = isList ? `At most ${MAX_PHOTOS} photos are` : 'One photo is';
  throw new ProblemError(
    'too-many-photos',
    `${most} classified at a time here, and of a Live Photo only the still picture; the request has ${count}. POST ${PATHS.classifications} takes up to ${MAX_PHOTOS}.`,
  );
};

export interface UploadOptions {
  /** JSON is decoded into it. */
  readonly body: Buffer;
  /** Of the request; its Content-Type says how the photos are wrapped. */
  readonly headers: Headers;
  readonly kind: UploadKind;
  /** Ends the reading. @default none */
  readonly signal?: AbortSignal;
}

/**
 * The photos in a body, as views into it: a form, JSON, or one photo itself.
 *
 * @throws ProblemError `unsupported-content-type`, `malformed-body`, `missing-photo` or `too-many-photos`
 * @example
 * const headers = new Headers({ 'Content-Type': 'application/json' });
 * const body = Buffer.from('{"image": "data:image/png;base64,AAEC"}');
 * const [photo] = await readUpload({ body, headers, kind: ONE_PHOTO });
 * [...photo]; // => [0, 1, 2]
 */
export const readUpload = async ({ body, headers, kind, signal }: UploadOptions): Promise<UploadedFile[]> => {
  const type = readMediaType(headers, kind.ways);
  if (type.startsWith('image/') || type === 'application/octet-stream') return [body];
  const files =
    type === 'application/json'
      ? await readJson(body, kind, signal)
      : readForm(body, headers.get('Content-Type') ?? '', kind);
  checkCount(files.length, kind);
  return files;
};
