/** Values by path, such as `model_config_list.config.name`. */
export type Fields = Readonly<Record<string, string | number | boolean>>;

const TOKEN = /\s*(?:#[^\n]*\n\s*)*(?:([A-Za-z_]\w*)\s*(?:(\{)|:\s*("(?:[^"\\]|\\.)*"|[\w.-]+))|(\}))/y;

/**
 * Reads protobuf's text format, as strictly as is needed to notice a file that TensorFlow Serving would not take.
 *
 * @throws Error where the text cannot be read, or a brace has no other
 */
export const readTextProto = (text: string): Fields => {
  const fields: Record<string, string | number | boolean> = {};
  const path: string[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const at = TOKEN.lastIndex;
    const [token, name, opens, value, closes] = TOKEN.exec(text) ?? [];
    if (token === undefined) throw new Error(`No text proto: ${text.slice(at, at + 40)}`);
    if (closes) {
      if (path.pop() === undefined) throw new Error('A closing brace too many.');
    } else if (opens && name !== undefined) path.push(name);
    else if (value !== undefined) fields[[...path, name].join('.')] = JSON.parse(value);
  }
  if (path.length > 0) throw new Error(`${path.join('.')} is not closed.`);
  return fields;
};
