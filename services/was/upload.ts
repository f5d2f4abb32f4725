import { MAX_BODY_BYTES, MAX_PHOTOS, MAX_PHOTOS_BODY_BYTES, PATHS } from '../contract.ts';
import { ProblemError } from '../http/problem.ts';
import { readFormFiles } from './form.ts';
import { readJsonPhotos } from './json-photos.ts';

/** How a route accepts photos. */
export interface UploadKind {
  readonly isList: boolean;
  /** The field of a form; `jsonField` is the one of JSON. */
  readonly field: string;
  readonly jsonField: string;
  readonly maxBytes: number;
  readonly howToSend: string;
}

export const ONE_PHOTO: UploadKind = {
  isList: false,
  field: 'file',
  jsonField: 'image',
  maxBytes: MAX_BODY_BYTES,
  howToSend:
    'Send the photo as the multipart field "file", as a raw image/* body, or as JSON {"image": "<base64>"}.',
};

export const MANY_PHOTOS: UploadKind = {
  isList: true,
  field: 'files',
  jsonField: 'images',
  maxBytes: MAX_PHOTOS_BODY_BYTES,
  howToSend: `Send up to ${MAX_PHOTOS} photos as multipart fields "files", one as a raw image/* body, or JSON {"images": ["<base64>"]}.`,
};

/** The bytes that were sent as a photo, or why they cannot be read. */
export type UploadedFile = Buffer | ProblemError;

const readForm = (form: Buffer, contentType: string, { field, isList, howToSend }: UploadKind): Buffer[] => {
  try {
    return readFormFiles({ form, contentType, field, isList });
  } catch (error) {
    throw new ProblemError(
      'malformed-body',
      `The multipart form cannot be read: it is truncated or malformed, or its Content-Type names no boundary. ${howToSend}`,
      { cause: error },
    );
  }
};

const readJson = async (
  json: Buffer,
  { jsonField: field, isList, howToSend }: UploadKind,
  signal: AbortSignal | undefined,
): Promise<UploadedFile[]> => {
  const photos = await readJsonPhotos({ json, field, isList, signal }).catch((error: unknown) => {
    signal?.throwIfAborted();
    const what = error instanceof Error ? error.message : String(error);
    throw new ProblemError('malformed-body', `${what} ${howToSend}`, { cause: error });
  });
  const notBase64 = `The field "${field}" is neither base64 nor a base64 data URL. URLs are not fetched: send the photo itself. ${howToSend}`;
  const korean = `필드 "${field}"에 base64나 base64 data URL을 넣어 주세요. URL에서 사진을 가져오지는 않습니다.`;
  return photos.map((photo) => photo ?? new ProblemError('malformed-body', notBase64, { korean }));
};

/** @throws ProblemError `unsupported-content-type` */
const readMediaType = (headers: Headers, howToSend: string): string => {
  const encoding = (headers.get('Content-Encoding') ?? '').trim();
  // Codings are case-insensitive (RFC 9110, 8.4.1).
  if (encoding !== '' && encoding.toLowerCase() !== 'identity') {
    throw new ProblemError(
      'unsupported-content-type',
      `Content-Encoding ${encoding} is not accepted; photos are already compressed. ${howToSend}`,
    );
  }
  const type = headers.get('Content-Type')?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const isAccepted = ['multipart/form-data', 'application/json', 'application/octet-stream'].includes(type);
  if (isAccepted || type.startsWith('image/')) return type;
  const claimed = type === '' ? 'The request has no Content-Type.' : `Content-Type ${type} is not accepted.`;
  throw new ProblemError('unsupported-content-type', `${claimed} ${howToSend}`);
};

/** @throws ProblemError `missing-photo` or `too-many-photos` */
const checkCount = (count: number, { field, jsonField, isList, howToSend }: UploadKind): void => {
  if (count === 0) {
    const nowhere = `There is no photo in the form field "${field}" or the JSON field "${jsonField}".`;
    const korean = `폼의 필드 "${field}" 또는 JSON의 "${jsonField}"에 사진을 넣어 보내 주세요.`;
    throw new ProblemError('missing-photo', `${nowhere} ${howToSend}`, { korean });
  }
  if (count <= (isList ? MAX_PHOTOS : 1)) return;
  const most = isList ? `At most ${MAX_PHOTOS} photos are` : 'One photo is';
  throw new ProblemError(
    'too-many-photos',
    `${most} accepted here, and only the still picture of a Live Photo; the request has ${count}. POST ${PATHS.classifications} takes up to ${MAX_PHOTOS}.`,
  );
};

export interface UploadOptions {
  /** Overwritten when it is JSON. */
  readonly body: Buffer;
  /** The request's headers; Content-Type says how the photos are encoded. */
  readonly headers: Headers;
  readonly kind: UploadKind;
  /** Aborts the reading. @default none */
  readonly signal?: AbortSignal;
}

/**
 * The photos in a body, as views into it. The body is a form, JSON, or a single photo.
 *
 * @throws ProblemError `unsupported-content-type`, `malformed-body`, `missing-photo` or `too-many-photos`
 * @example
 * const headers = new Headers({ 'Content-Type': 'application/json' });
 * const body = Buffer.from('{"image": "data:image/png;base64,AAEC"}');
 * const [photo] = await readUpload({ body, headers, kind: ONE_PHOTO });
 * [...photo]; // => [0, 1, 2]
 */
export const readUpload = async ({ body, headers, kind, signal }: UploadOptions): Promise<UploadedFile[]> => {
  const type = readMediaType(headers, kind.howToSend);
  if (type.startsWith('image/') || type === 'application/octet-stream') return [body];
  const files =
    type === 'application/json'
      ? await readJson(body, kind, signal)
      : readForm(body, headers.get('Content-Type') ?? '', kind);
  checkCount(files.length, kind);
  return files;
};
