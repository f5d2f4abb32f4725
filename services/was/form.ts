import { detectFormat } from '../../model/photo/format.ts';

/** No form of a photo has nearly as many. */
const MAX_PARTS = 100;
/** A file may hold what begins like a delimiter and is none; many of them are there to cost time. */
const MAX_FALSE_DELIMITERS = 1000;
/** Of one part. The longest thing in it is a file's name. */
const MAX_HEAD_BYTES = 16 * 1024;

const [TAB, LF, CR, SPACE, DASH] = [0x09, 0x0a, 0x0d, 0x20, 0x2d];
const END_OF_HEAD = Buffer.from('\r\n\r\n');

/** A quoted value that has no end goes to the end of the header: then no text takes more than one look at each letter. */
const PARAMETER = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:\\.?|[^"\\])*)(?:"|$)|([^;"]*))/g;

/** The parameters of a header such as `form-data; name=file; filename="a.jpg"`, by their names in small letters. */
const readParameters = (header: string): ReadonlyMap<string, string> =>
  new Map(
    [...header.matchAll(PARAMETER)].map(([, name = '', quoted, token = '']): [string, string] => [
      name.toLowerCase(),
      quoted?.replace(/\\(.)/g, '$1') ?? token.trim(),
    ]),
  );

/** The headers of a part, by their names in small letters. */
const readHead = (head: Buffer): ReadonlyMap<string, string> => {
  if (head.length > MAX_HEAD_BYTES) throw new Error('The head of a part is too long.');
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
  // Without any header, the empty line comes at once.
  if (part[0] === CR && part[1] === LF) return { headers: new Map(), content: part.subarray(2) };
  const end = part.indexOf(END_OF_HEAD);
  if (end === -1) throw new Error('A part has no end of its head.');
  return { headers: readHead(part.subarray(0, end)), content: part.subarray(end + END_OF_HEAD.length) };
};

/** Where the line of a delimiter ends and whether it is the form's last; undefined when it is none. */
const readDelimiterLine = (form: Buffer, after: number) => {
  if (form[after] === DASH && form[after + 1] === DASH) return { end: after + 2, last: true };
  let end = after;
  // Some transports pad lines (RFC 2046, 5.1.1).
  while (form[end] === SPACE || form[end] === TAB) end += 1;
  return form[end] === CR && form[end + 1] === LF ? { end: end + 2, last: false } : undefined;
};

/** The parts of a form, as views into it, without what stands before the first and after the last. */
const readParts = (form: Buffer, boundary: string): Part[] => {
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  const parts: Part[] = [];
  let begin: number | undefined;
  let falseDelimiters = 0;
  // The very first may stand without the line break before it.
  const first = form.subarray(0, delimiter.length - 2).equals(delimiter.subarray(2)) ? -2 : undefined;
  for (let at = first ?? form.indexOf(delimiter); at !== -1; ) {
    const line = readDelimiterLine(form, at + delimiter.length);
    if (line) {
      if (begin !== undefined) parts.push(toPart(form.subarray(begin, Math.max(begin, at))));
      if (line.last) return parts;
      if (parts.length === MAX_PARTS) throw new Error(`The form has more than ${MAX_PARTS} parts.`);
      begin = line.end;
    } else if (++falseDelimiters > MAX_FALSE_DELIMITERS) {
      throw new Error('What begins like a delimiter stands too often in the form.');
    }
    // The line break of a delimiter may be that of the next.
    at = form.indexOf(delimiter, line ? line.end - 2 : at + delimiter.length);
  }
  throw new Error('The form has no end.');
};

/** A part without a file's name is a file when it says so, or looks like a photo; else it is a field of text. */
const isFile = ({ headers, content }: Part): boolean => {
  const type = headers.get('content-type') ?? 'text/plain';
  return !/^text\//i.test(type) || detectFormat(content) !== undefined;
};

export interface FormFilesOptions {
  readonly form: Buffer;
  /** With the form's boundary. */
  readonly contentType: string;
  readonly field: string;
  /** Whether the field is for several files: then an empty one has its place among the others. @default false */
  readonly isList?: boolean;
}

/**
 * The files in a field of a multipart form (RFC 7578), as views into it. Takes what widespread clients write: .NET's
 * `name=file; filename=a.jpg; filename*=utf-8''a.jpg`, other dispositions than `form-data`, files without a name. An
 * empty file counts only when it has a name and, unless it is a list, there is no other: inputs that were left empty send
 * one without.
 *
 * @throws Error when the form is malformed or cut short
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
