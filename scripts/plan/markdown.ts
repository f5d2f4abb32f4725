const WIDEST_PADDED_CELL = 80;
const LONGEST_CODE = 160;

/** Text without line breaks, with its middle left out when it is long. */
export const shorten = (text: string, longest = LONGEST_CODE): string => {
  const line = text.replace(/\s*\n\s*/g, ' ');
  if (line.length <= longest) return line;
  const half = Math.floor((longest - 1) / 2);
  return `${line.slice(0, half)}…${line.slice(-half)}`;
};

/** Text as code: nothing in it is taken for Markdown. */
export const code = (text: string): string => {
  const fence = text.includes('`') ? '``' : '`';
  const space = text.startsWith('`') || text.endsWith('`') ? ' ' : '';
  return text === '' ? '`""`' : `${fence}${space}${text}${space}${fence}`;
};

export const bold = (text: string): string => `**${text}**`;

const conjunction = new Intl.ListFormat('en-GB');

/** `a, b and c` */
export const conjoin = (words: readonly string[]): string => conjunction.format(words);

/** Each as code: `a`, `b` */
export const codes = (texts: readonly string[]): string => texts.map(code).join(', ');

/** An item of a list. */
export const bullet = (text: string, depth = 0): string => `${'  '.repeat(depth)}- ${text}`;

const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ');

/** A table whose columns are also aligned in a terminal. */
export const markdownTable = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const cells = [head, ...rows].map((row) => row.map(cell));
  const widths = head.map((_, column) =>
    Math.min(WIDEST_PADDED_CELL, Math.max(3, ...cells.map((row) => row[column]?.length ?? 0))),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [first = [], ...others] = cells;
  return [
    line(first),
    `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`,
    ...others.map(line),
  ].join('\n');
};

/** Something that GitHub shows folded; the blank lines make it read the Markdown inside. */
export const details = (summary: string, content: string): string =>
  `<details><summary>${summary}</summary>\n\n${content}\n\n</details>`;

/** Blocks with a blank line between them; empty ones are left out. */
export const blocks = (...parts: readonly (string | undefined)[]): string =>
  parts.filter((part) => part !== undefined && part !== '').join('\n\n');

export const lines = (...parts: readonly string[]): string => parts.join('\n');
