import { clearScreenDown, cursorTo, moveCursor } from 'node:readline';
import type { WriteStream } from 'node:tty';
import type { StepState } from '../execution/step-state.ts';
import { fitting, rowOf, table } from './text.ts';

/** Shows how an execution goes. */
export interface View {
  /** Told of each change. */
  readonly changed: (state: StepState) => void;
  /** Adds a line about the whole. */
  readonly notice: (text: string) => void;
  /** The last that is shown. */
  readonly close: () => void;
}

/** A line per change, for logs. */
export const plainView = (write: (line: string) => void): View => {
  const shown = new Map<string, string>();
  return {
    changed: (state) => {
      const note = state.note === undefined ? '' : `: ${state.note}`;
      const [, status, took] = rowOf(state);
      const time = state.endedAt === undefined ? '' : ` after ${took}`;
      const line = `${state.name} ${status}${time}${note}`;
      if (shown.get(state.name) === line) return;
      shown.set(state.name, line);
      write(line);
    },
    notice: write,
    close: () => {},
  };
};

const REDRAW_MS = 200;
/** Of a terminal that does not tell. */
const COLUMNS = 80;

const warningsOf = ({ name, warnings = [] }: StepState): string[] =>
  warnings.map((warning) => `${name} warns: ${warning}`);

/** All steps at once, drawn anew in place, for a terminal. */
export const liveView = (out: WriteStream, states: () => readonly StepState[]): View => {
  let height = 0;
  const notices: string[] = [];
  const draw = (more: (all: readonly StepState[]) => readonly string[]) => {
    const all = states();
    const rows = table(all.map(rowOf));
    const steps = rows.map((row, index) => {
      const note = all[index]?.note;
      return note === undefined ? row : `${row}  ${note}`;
    });
    const lines = [...steps, ...more(all)].map((line) => fitting(line, (out.columns || COLUMNS) - 1));
    if (height > 0) moveCursor(out, 0, -height);
    cursorTo(out, 0);
    clearScreenDown(out);
    out.write(`${lines.join('\n')}\n`);
    height = lines.length;
  };
  const redraw = () => draw((all) => [...all.flatMap(warningsOf), ...notices]);
  const timer = setInterval(redraw, REDRAW_MS);
  redraw();
  return {
    changed: () => {},
    notice: (text) => void notices.push(text),
    close: () => {
      clearInterval(timer);
      // What was warned of is told in full afterwards.
      draw(() => notices);
    },
  };
};
