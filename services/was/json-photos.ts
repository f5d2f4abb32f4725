import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';

/** Limit for the JSON around the photos, which keeps parsing cheap. */
const MAX_OTHER_BYTES = 64 * 1024;
/** Longer strings are left out before parsing. */
const LONG = 100;
/** With an index, stands for a string that was left out. A client cannot know it. */
const LEFT_OUT = randomUUID();
/** Bytes that are decoded at a time, so that other requests are served in between. */
const STEP = 2 ** 18;
/** A data URL's media type and parameters. */
const MAX_HEAD_BYTES = 1024;

const [QUOTE, BACKSLASH] = [0x22, 0x5c];

const notJson = (cause?: unknown) => new Error('The body is not JSON.', { cause });
const tooMuchElse = () =>
  new Error(`The JSON has more than ${MAX_OTHER_BYTES / 1024} KiB around the photos.`);

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw notJson(cause);
  }
};

/** The index of the quote that closes a string, without looking further than `end`. */
const endOfString = (json: Buffer, from: number, end: number): number => {
  let at = from;
  while (at < end && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return at;
};

/** Splits JSON into what can be parsed at once, and the long strings that are left out of it. */
const leaveOutLongStrings = (json: Buffer): { rest: string; strings: Buffer[] } => {
  const parts: Buffer[] = [];
  const strings: Buffer[] = [];
  let [kept, budget] = [0, MAX_OTHER_BYTES];
  const keepUpTo = (end: number) => {
    budget -= end - kept;
    if (budget < 0) throw tooMuchElse();
    parts.push(json.subarray(kept, end));
  };
  let open = json.indexOf(QUOTE);
  while (open !== -1) {
    const first = open + 1;
    let close = json.indexOf(QUOTE, first);
    if (close === -1) throw notJson();
    // Base64 contains no escaped quotes, so the first quote ends it.
    if (close - first > LONG && json[close - 1] !== BACKSLASH) {
      keepUpTo(first);
      parts.push(Buffer.from(`${LEFT_OUT}${strings.length}`));
      strings.push(json.subarray(first, close));
      kept = close;
    } else {
      close = endOfString(json, first, kept + budget);
      if (close >= kept + budget) break;
    }
    open = json.indexOf(QUOTE, close + 1);
  }
  keepUpTo(json.length);
  return { rest: new TextDecoder().decode(Buffer.concat(parts)), strings };
};

/** The JSON strings in a field of the outermost object, as they are written. */
const findStrings = (json: Buffer, field: string, isList: boolean): Buffer[] => {
  const { rest, strings } = leaveOutLongStrings(json);
  const value = isList ? z.array(z.string()) : z.string();
  const parsed = z.object({ [field]: value }).safeParse(parse(rest));
  const texts = [parsed.data?.[field] ?? []].flat();
  const found = texts.map((text) => {
    const string = text.startsWith(LEFT_OUT) ? strings[Number(text.slice(LEFT_OUT.length))] : undefined;
    return string ?? Buffer.from(JSON.stringify(text).slice(1, -1));
  });
  const bytes = found.reduce((sum, { length }) => sum + length, 0);
  if (json.length - bytes > MAX_OTHER_BYTES) throw tooMuchElse();
  return found;
};

/** The value of each byte in both base64 alphabets (RFC 4648, 4 and 5): six bits, or one of the codes below. */
const MEANING = new Int8Array(256).fill(-1);
const [BLANK, PADDING] = [-2, -3];
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
for (const [value, letter] of [...ALPHABET].entries()) MEANING[letter.charCodeAt(0)] = value;
const OTHERS = { '-': 62, _: 63, '=': PADDING, ' ': BLANK, '\n': BLANK, '\r': BLANK, '\t': BLANK };
for (const [letter, meaning] of Object.entries(OTHERS)) MEANING[letter.charCodeAt(0)] = meaning;

/** The character of an escape sequence, and where it ends. JSON encoders escape slashes, plus signs and line breaks. */
const readEscape = (text: Buffer, at: number) => {
  const end = at + (text[at + 1] === 0x75 ? 6 : 2);
  const letter = parse(`"${text.toString('latin1', at, end)}"`);
  return { code: String(letter).charCodeAt(0), end };
};

/** Where the base64 begins: after the header of a data URL (RFC 2397), if there is one. */
const afterHead = (text: Buffer): number => {
  const comma = text.subarray(0, MAX_HEAD_BYTES).indexOf(',');
  if (comma === -1) return 0;
  const head = String(parse(`"${text.toString('utf8', 0, comma)}"`)).replace(/\s+/g, '');
  return /^data:.*;base64$/i.test(head) ? comma + 1 : 0;
};

/** The state of decoding a string. */
interface Decoded {
  /** Index of the next character. */
  readonly at: number;
  /** Bytes decoded so far. */
  readonly bytes: number;
  readonly letters: number;
  /** Bits of the characters that do not form a byte yet. */
  readonly bits: number;
  readonly padding: number;
}

/** Continues decoding up to an index; undefined if something is not base64. */
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
 * Decodes base64, bare or as a data URL, in place. Line breaks are ignored (RFC 2045) and padding is optional. Node's
 * own decoder needs all of it as a string first, and accepts text that is not base64.
 *
 * @returns undefined if it is not base64
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

export interface JsonPhotosOptions {
  readonly json: Buffer;
  /** The field of the outermost object that holds the photo. */
  readonly field: string;
  /** Whether the field holds a list of photos. @default false */
  readonly isList?: boolean;
  /** Aborts the decoding. @default none */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The photos in a JSON object, decoded in place, which overwrites the body. The JSON around the photos is parsed
 * without them, and no photo is ever turned into a string.
 *
 * @returns the bytes of each photo, or undefined where it is not base64; an empty list if the field is missing or has
 * another type
 * @throws Error if the body is not JSON, or there is too much around the photos
 * @example
 * const json = Buffer.from('{"image": "data:image/png;base64,AAEC"}');
 * const [photo] = await readJsonPhotos({ json, field: 'image' });
 * [...photo]; // => [0, 1, 2]
 */
export const readJsonPhotos = async ({
  json,
  field,
  isList = false,
  signal,
}: JsonPhotosOptions): Promise<(Buffer | undefined)[]> => {
  const photos: (Buffer | undefined)[] = [];
  for (const text of findStrings(json, field, isList)) photos.push(await decodeBase64(text, signal));
  return photos;
};
