/** A message in protobuf's text format, as far as it is needed: the fields in order, each with its value. */
export interface Message {
  readonly [field: string]: string | number | boolean | Message;
}

const INDENT = '  ';

/** @see https://protobuf.dev/reference/protobuf/textformat-spec */
export const textProto = (message: Message, depth = 0): string =>
  Object.entries(message)
    .map(([field, value]) => {
      const indent = INDENT.repeat(depth);
      if (typeof value === 'object') return `${indent}${field} {\n${textProto(value, depth + 1)}${indent}}\n`;
      return `${indent}${field}: ${JSON.stringify(value)}\n`;
    })
    .join('');
