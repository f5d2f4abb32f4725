import { duration } from '../../progress.ts';
import type { StepState } from '../execution/step-state.ts';

/** How long a step has been running, or took. */
export const elapsed = ({ startedAt, endedAt }: StepState): string =>
  startedAt === undefined ? '' : duration(((endedAt ?? Date.now()) - startedAt) / 1000);

/** Hangul, Chinese, Japanese and most emoji take two columns of a terminal. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

const columnsOf = (character: string): number => (WIDE.test(character) ? 2 : 1);

/** How many columns of a terminal a text takes. */
export const widthOf = (text: string): number =>
  Array.from(text, columnsOf).reduce((sum, columns) => sum + columns, 0);

/** In one line of a terminal. */
export const fitting = (text: string, columns: number): string => {
  const [line = ''] = text.split('\n', 1);
  if (widthOf(line) <= columns) return line;
  let taken = '';
  let width = 0;
  for (const character of line) {
    width += columnsOf(character);
    if (width > columns - 1) break;
    taken += character;
  }
  return `${taken}…`;
};

/** A table with columns as wide as they need to be. */
export const table = (rows: readonly (readonly string[])[]): string[] => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
};

/** A step's row: those on a branch are set in. */
export const rowOf = (state: StepState): string[] => [
  `${state.condition === undefined ? '' : '  '}${state.name}`,
  state.status,
  elapsed(state),
];
