import { detectFormat } from '../../model/photo/format.ts';

/** Far more than a form with photos has. */
const MAX_PARTS = 100;
/** A file may contain the delimiter's bytes by chance; many of them are an attack. */
const MAX_FALSE_DELIMITERS = 1000;
/** The headers of one part. The longest thing in them is a file name. */
const MAX_HEAD_BYTES = 16 * 1024;

const [TAB, LF, CR, SPACE, DASH] = [0x09, 0x0a, 0x0d, 0x20, 0x2d];
const END_OF_HEAD = Buffer.from('\r\n\r\n');

/** An unterminated quoted value extends to the end of the header, so that matching takes linear time. */
const PARAMETER = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:\\.?|[^"\\])*)(?:"|$)|([^;"]*))/g;

/** The parameters of a header such as `form-data; name=file; filename="a.jpg"`, by lower-case name. */
const readParameters = (header: string): ReadonlyMap<string, string> =>
  new Map(
    [...header.matchAll(PARAMETER)].map(([, name = '', quoted, token = '']): [string, string] => [
      name.toLowerCase(),
      quoted?.replace(/\\(.)/g, '$1') ?? token.trim(),
    ]),
  );

/** The headers of a part, by lower-case name. */
const readHead = (head: Buffer): ReadonlyMap<string, string> => {
  if (head.length > MAX_HEAD_BYTES) throw new Error('The headers of a part are too long.');
  // A line that begins with a blank continues the one before (RFC 5322, 2.2.3).
  const lines = head
    .toString('latin1')
    .replace(/\r\n(?=[ \t])/g, '')
    .split('\r\n');
  return new Map(
    lines.map((line): [string, string] => {
      const [name = '', ...value] = line.split(':');
      return [name.trim().toLowerCase(), value.join(':').trim()];
    }),
  );
};

interface Part {
  readonly headers: ReadonlyMap<string, string>;
  readonly content: Buffer;
}

const toPart = (part: Buffer): Part => {
  // A part without headers begins with the empty line.
  if (part[0] === CR && part[1] === LF) return { headers: new Map(), content: part.subarray(2) };
  const end = part.indexOf(END_OF_HEAD);
  if (end === -1) throw new Error('The headers of a part have no end.');
  return { headers: readHead(part.subarray(0, end)), content: part.subarray(end + END_OF_HEAD.length) };
};

/** Where the delimiter's line ends, and whether it is the last one; undefined if this is not a delimiter. */
const readDelimiterLine = (form: Buffer, after: number) => {
  if (form[after] === DASH && form[after + 1] === DASH) return { end: after + 2, last: true };
  let end = after;
  // Some transports pad lines (RFC 2046, 5.1.1).
  while (form[end] === SPACE || form[end] === TAB) end += 1;
  return form[end] === CR && form[end + 1] === LF ? { end: end + 2, last: false } : undefined;
};

/** The parts of a form, as views into it, without the preamble and the epilogue. */
const readParts = (form: Buffer, boundary: string): Part[] => {
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  const parts: Part[] = [];
  let begin: number | undefined;
  let falseDelimiters = 0;
  // The first delimiter need not follow a line break.
  const first = form.subarray(0, delimiter.length - 2).equals(delimiter.subarray(2)) ? -2 : undefined;
  for (let at = first ?? form.indexOf(delimiter); at !== -1; ) {
    const line = readDelimiterLine(form, at + delimiter.length);
    if (line) {
      if (begin !== undefined) parts.push(toPart(form.subarray(begin, Math.max(begin, at))));
      if (line.last) return parts;
      if (parts.length === MAX_PARTS) throw new Error(`The form has more than ${MAX_PARTS} parts.`);
      begin = line.end;
    } else if (++falseDelimiters > MAX_FALSE_DELIMITERS) {
      throw new Error('The form contains too many false delimiters.');
    }
    // The line break after one delimiter may be the one before the next.
    at = form.indexOf(delimiter, line ? line.end - 2 : at + delimiter.length);
  }
  throw new Error('The form has no end.');
};

/** A part without a file name is a file if its Content-Type says so or it looks like a photo; otherwise it is text. */
const isFile = ({ headers, content }: Part): boolean => {
  const type = headers.get('content-type') ?? 'text/plain';
  return !/^text\//i.test(type) || detectFormat(content) !== undefined;
};

export interface FormFilesOptions {
  readonly form: Buffer;
  /** The Content-Type header, which names the boundary. */
  readonly contentType: string;
  readonly field: string;
  /** Whether the field holds several files; then empty ones keep their position. @default false */
  readonly isList?: boolean;
}

/**
 * The files in a field of a multipart form (RFC 7578), as views into it. Accepts what widespread clients send: .NET's
 * `name=file; filename=a.jpg; filename*=utf-8''a.jpg`, dispositions other than `form-data`, files without a name.
 * Inputs that were left empty send an empty file without a name, which is ignored; an empty file with a name counts in
 * a list, or if there is no other.
 *
 * @throws Error when the form is malformed or truncated
 * @example
 * const form = Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhi\r\n--b--');
 * const files = readFormFiles({ form, contentType: 'multipart/form-data; boundary=b', field: 'file' });
 * files.map(String); // => ['hi']
 */
export const readFormFiles = ({ form, contentType, field, isList = false }: FormFilesOptions): Buffer[] => {
  const boundary = readParameters(contentType).get('boundary') ?? '';
  if (boundary === '') throw new Error('The Content-Type names no boundary.');
  const files = readParts(form, boundary).flatMap((part) => {
    const disposition = readParameters(part.headers.get('content-disposition') ?? '');
    if (disposition.get('name') !== field) return [];
    const fileName = disposition.get('filename') ?? disposition.get('filename*');
    return fileName !== undefined || isFile(part) ? [{ fileName, content: part.content }] : [];
  });
  const sent = files.filter(({ fileName, content }) => content.length > 0 || fileName);
  const filled = sent.filter(({ content }) => content.length > 0);
  return (isList || filled.length === 0 ? sent : filled).map(({ content }) => content);
};
