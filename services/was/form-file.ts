/**
 * The file in a multipart form (RFC 7578). `Request.formData()` refuses forms of widespread clients, such as .NET's,
 * which writes `name=file; filename=a.jpg; filename*=utf-8''a.jpg`.
 */

/** RFC 2046 section 5.1.1 */
const MAX_BOUNDARY = 70;

/** @returns undefined when the form cannot be read without it */
export const boundaryOf = (contentType: string): string | undefined => {
  const [, quoted, bare] = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? bare;
  return boundary !== undefined && boundary.length <= MAX_BOUNDARY ? boundary : undefined;
};

const DISPOSITION = /^content-disposition:[ \t]*form-data[ \t]*(;.*)$/im;
const NAME = /;\s*name=(?:"([^"]*)"|([^\s;"]+))/i;
const FILE_NAME = /;\s*filename\*?=/i;

/** Whether the head of a part is that of a file in this field. */
const isFile = (head: string, field: string): boolean => {
  const parameters = DISPOSITION.exec(head)?.[1] ?? '';
  const [, quoted, bare] = NAME.exec(parameters) ?? [];
  return (quoted ?? bare) === field && FILE_NAME.test(parameters);
};

/**
 * The bytes of the first file in a field; undefined when there is none.
 *
 * @throws Error when the form is malformed or cut short
 */
export const readFormFile = (form: Buffer, boundary: string, field: string): Uint8Array | undefined => {
  const delimiter = `\r\n--${boundary}`;
  // The first delimiter may stand at the very beginning, without its line break.
  const opens = form.toString('latin1', 0, delimiter.length - 2) === delimiter.slice(2);
  let at = opens ? -2 : form.indexOf(delimiter, 0, 'latin1');
  while (at !== -1) {
    const head = at + delimiter.length;
    if (form.toString('latin1', head, head + 2) === '--') return undefined;
    const headEnd = form.indexOf('\r\n\r\n', head, 'latin1');
    const next = headEnd < 0 ? -1 : form.indexOf(delimiter, headEnd + 2, 'latin1');
    if (next < 0) break;
    if (isFile(form.toString('utf8', head, headEnd), field)) return form.subarray(headEnd + 4, next);
    at = next;
  }
  throw new Error('The form has no end.');
};
