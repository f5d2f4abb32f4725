import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';

/** Room for all that surrounds the photo in JSON; then it costs next to nothing to read. */
const MAX_OTHER_BYTES = 64 * 1024;
/** Text that is decoded at a time, so that other requests get their turn in between. */
const STEP = 2 ** 18;
/** Of a data URL: its media type and parameters. */
const MAX_HEAD_BYTES = 1024;

const [QUOTE, COLON, BACKSLASH] = [0x22, 0x3a, 0x5c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

const isBlank = (byte: number | undefined) =>
  byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;

const afterBlanks = (json: Buffer, at: number, end: number): number => {
  let next = at;
  while (next < end && isBlank(json[next])) next += 1;
  return next;
};

/** The end of a text that begins at `from`: the place of its closing quote, or `end`. */
const endOfText = (json: Buffer, from: number, end: number): number => {
  let at = from;
  while (at < end && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return Math.min(at, end);
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error('The body is not JSON.', { cause });
  }
};

/** A text without its quotes, as a range of bytes. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * Finds the text of a field of the outermost object. Looks at each byte outside of it once, and at no more of them than
 * may be there; whether they are JSON is for the parser to say.
 */
const findText = (json: Buffer, field: string): Range | undefined => {
  let found: Range | undefined;
  let depth = 0;
  let limit = Math.min(json.length, MAX_OTHER_BYTES);
  let at = 0;
  while (at < limit) {
    const byte = json[at];
    at += 1;
    if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth += 1;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) depth -= 1;
    if (byte !== QUOTE) continue;
    const to = endOfText(json, at, limit);
    const key = depth === 1 && to - at < 100 ? json.toString('utf8', at, to) : '';
    at = to + 1;
    const colon = afterBlanks(json, at, limit);
    if (json[colon] !== COLON) continue;
    at = afterBlanks(json, colon + 1, limit);
    if (json[at] !== QUOTE || (key !== field && !(key.includes('\\') && parse(`"${key}"`) === field)))
      continue;
    const from = at + 1;
    // Base64 has no quote and no backslash, so the first quote ends it; what is no base64 is refused for that.
    const quote = json.indexOf(QUOTE, from);
    if (quote === -1) throw new Error('The body is not JSON.');
    found = { from, to: quote };
    at = quote + 1;
    limit = Math.min(json.length, MAX_OTHER_BYTES + quote - from);
  }
  if (limit < json.length) {
    throw new Error(`The JSON has more than ${MAX_OTHER_BYTES / 1024} KiB beside the photo.`);
  }
  return found;
};

/** What each byte means in base64, of either alphabet (RFC 4648, 4 and 5): six bits, or one of the codes below. */
const MEANING = new Int8Array(256).fill(-1);
const [BLANK, PADDING] = [-2, -3];
for (const [value, letter] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
].entries()) {
  MEANING[letter.charCodeAt(0)] = value;
}
for (const [letter, meaning] of [
  ['-', 62],
  ['_', 63],
  ['=', PADDING],
  [' ', BLANK],
  ['\n', BLANK],
  ['\r', BLANK],
  ['\t', BLANK],
] as const) {
  MEANING[letter.charCodeAt(0)] = meaning;
}

/** The letter behind a backslash, and where it ends. JSON writes a slash, a plus sign and line breaks so. */
const readEscape = (text: Buffer, at: number) => {
  const end = at + (text[at + 1] === 0x75 ? 6 : 2);
  const letter = parse(`"${text.toString('latin1', at, end)}"`);
  return { code: String(letter).charCodeAt(0), end };
};

/** Where the base64 begins: behind the head of a data URL (RFC 2397), if there is one. */
const afterHead = (text: Buffer): number => {
  const comma = text.subarray(0, MAX_HEAD_BYTES).indexOf(',');
  if (comma === -1) return 0;
  const head = String(parse(`"${text.toString('utf8', 0, comma)}"`)).replace(/\s+/g, '');
  return /^data:.*;base64$/i.test(head) ? comma + 1 : 0;
};

/** How far a text is decoded. */
interface Decoded {
  /** Place of the next letter. */
  readonly at: number;
  /** Bytes that are decoded. */
  readonly bytes: number;
  readonly letters: number;
  /** Of letters that are not yet a byte. */
  readonly bits: number;
  readonly padding: number;
}

/** Decodes on, up to a place; undefined when something is no base64. */
const decodeUpTo = (text: Buffer, end: number, start: Decoded): Decoded | undefined => {
  let { at, bytes, letters, bits, padding } = start;
  for (; at < end; at += 1) {
    let meaning = MEANING[text[at] ?? 0] ?? -1;
    if (text[at] === BACKSLASH) {
      const escaped = readEscape(text, at);
      meaning = MEANING[escaped.code] ?? -1;
      at = escaped.end - 1;
    }
    if (meaning >= 0 && padding === 0) {
      bits = (bits << 6) | meaning;
      letters += 1;
      if ((letters & 3) === 0) {
        text[bytes] = bits >> 16;
        text[bytes + 1] = bits >> 8;
        text[bytes + 2] = bits;
        bytes += 3;
      }
    } else if (meaning === PADDING && padding < 2) padding += 1;
    else if (meaning !== BLANK) return undefined;
  }
  return { at, bytes, letters, bits, padding };
};

/**
 * Decodes the base64 of a JSON text in its own place, bare or as a data URL. Line breaks do not count (RFC 2045), and
 * the padding is optional. Node's own decoder needs all of it as a string first, and accepts text that is not base64.
 *
 * @returns undefined when it is something else
 */
const decodeBase64 = async (text: Buffer, signal: AbortSignal | undefined): Promise<Buffer | undefined> => {
  let decoded: Decoded = { at: afterHead(text), bytes: 0, letters: 0, bits: 0, padding: 0 };
  while (decoded.at < text.length) {
    const next = decodeUpTo(text, Math.min(text.length, decoded.at + STEP), decoded);
    if (!next) return undefined;
    decoded = next;
    if (decoded.at < text.length) await setImmediate();
    signal?.throwIfAborted();
  }
  const { bytes, letters, bits } = decoded;
  const left = letters & 3;
  if (left === 1) return undefined;
  if (left >= 2) text[bytes] = bits >> (left === 2 ? 4 : 10);
  if (left === 3) text[bytes + 1] = bits >> 2;
  return text.subarray(0, bytes + Math.max(0, left - 1));
};

export interface JsonPhotoOptions {
  readonly json: Buffer;
  /** The field of the outermost object whose text is the photo. */
  readonly field: string;
  /** Ends the decoding. @default none */
  readonly signal?: AbortSignal;
}

/**
 * The photo in a JSON object, decoded into the body itself, which is lost thereby. What is not the photo is parsed alone,
 * and the photo is never a text as a whole: the cost is that of a photo, whatever was sent.
 *
 * @returns undefined when the field is missing or no text
 * @throws Error when this is no JSON, too much beside the photo, or no base64
 * @example
 * const json = Buffer.from('{"image": "data:image/png;base64,AAEC"}');
 * [...(await readJsonPhoto({ json, field: 'image' }))]; // => [0, 1, 2]
 */
export const readJsonPhoto = async ({
  json,
  field,
  signal,
}: JsonPhotoOptions): Promise<Buffer | undefined> => {
  const range = findText(json, field) ?? { from: 0, to: 0 };
  const rest = parse(
    new TextDecoder().decode(Buffer.concat([json.subarray(0, range.from), json.subarray(range.to)])),
  );
  if (!z.object({ [field]: z.string() }).safeParse(rest).success) return undefined;
  const photo = await decodeBase64(json.subarray(range.from, range.to), signal);
  if (!photo) throw new Error(`The field "${field}" is neither base64 nor a base64 data URL.`);
  return photo;
};
