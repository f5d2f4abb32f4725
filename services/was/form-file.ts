import { buffer } from 'node:stream/consumers';
import { Busboy } from '@fastify/busboy';

/** No form of a photo has nearly as many, and each costs time. */
const MAX_PARTS = 100;
/** Bytes that are parsed at a time: after that it is known whether to go on. */
const STEP = 2 ** 16;

/**
 * The bytes of the first file in a field of a multipart form (RFC 7578). `Request.formData()` refuses forms of widespread
 * clients, such as .NET's, which writes `name=file; filename=a.jpg; filename*=utf-8''a.jpg`.
 *
 * @param contentType with the form's boundary
 * @returns undefined when the field has no file
 * @throws Error when the form is malformed or cut short
 */
export const readFormFile = async (
  form: Uint8Array,
  contentType: string,
  field: string,
): Promise<Uint8Array | undefined> => {
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
