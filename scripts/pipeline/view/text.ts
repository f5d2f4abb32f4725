import { duration } from '../../shared/cli.ts';
import type { StepState } from '../execution/step-state.ts';
import { shortened } from './text-width.ts';

/** How long a step has been running, or took. */
export const elapsed = ({ startedAt, endedAt }: StepState): string =>
  startedAt === undefined ? '' : duration(((endedAt ?? Date.now()) - startedAt) / 1000);

/** In one line of a terminal. */
export const fitting = (text: string, columns: number): string => {
  const [line = ''] = text.split('\n', 1);
  return shortened(line, columns);
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
