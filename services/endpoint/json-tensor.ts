import { z } from 'zod';
import type { Strings } from '../../model/savedmodel/run.ts';
import { invalidArgument } from './serving-error.ts';

/**
 * JSON values to string tensors, with TensorFlow Serving's rules and words (util/json_tensor.cc). Only strings are
 * read: the serving contract has no other input.
 */

const base64Object = z.strictObject({ b64: z.string() });
const MAX_SHOWN = 120;
const utf8 = new TextEncoder();

/** A value in an error message; unlike TensorFlow Serving we do not repeat megabytes of it. */
export const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
};

const jsonType = (value: unknown): string => {
  if (value === null) return 'Null';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return 'Array';
  return { string: 'String', number: 'Number' }[String(typeof value)] ?? 'Object';
};

/** Base64 as absl::Base64Unescape takes it: standard alphabet, padding optional, white space ignored. */
const decodeBase64 = (text: string): Uint8Array => {
  const compact = text.replace(/\s+/g, '');
  const body = compact.replace(/={1,2}$/, '');
  if (!/^[A-Za-z0-9+/]*$/.test(body) || body.length % 4 === 1)
    throw invalidArgument('Unable to base64 decode');
  return Buffer.from(body, 'base64');
};

const decodeString = (value: unknown): Uint8Array => {
  if (typeof value === 'string') return utf8.encode(value);
  if (typeof value !== 'object' || value === null) {
    throw invalidArgument(
      `JSON Value: ${show(value)} Type: ${jsonType(value)} is not of expected type: string`,
    );
  }
  const object = base64Object.safeParse(value);
  if (object.success) return decodeBase64(object.data.b64);
  throw invalidArgument(`JSON Value: ${show(value)} not formatted correctly for base64 data`);
};

export const isBase64Object = (value: unknown): boolean => base64Object.safeParse(value).success;

const shapeOf = (value: unknown): number[] =>
  Array.isArray(value) ? [value.length, ...(value.length > 0 ? shapeOf(value[0]) : [])] : [];

const collect = (value: unknown, level: number, shape: readonly number[], values: Uint8Array[]): void => {
  if (!Array.isArray(value)) {
    if (level !== shape.length) {
      throw invalidArgument(
        `JSON Value: ${show(value)} found at incorrect level: ${level + 1} in the JSON DOM. Expected at level: ${shape.length}`,
      );
    }
    values.push(decodeString(value));
    return;
  }
  if (level >= shape.length) {
    throw invalidArgument(`Encountered list at unexpected level: ${level} expected < ${shape.length}`);
  }
  if (value.length !== shape[level]) {
    throw invalidArgument(
      `Encountered list at unexpected size: ${value.length} at level: ${level} expected size: ${shape[level]}`,
    );
  }
  for (const element of value) collect(element, level + 1, shape, values);
};

/** A scalar, a list, or lists of lists, each of one size. */
export const decodeTensor = (value: unknown): Strings => {
  const shape = shapeOf(value);
  const values: Uint8Array[] = [];
  collect(value, 0, shape, values);
  return { shape, values };
};
