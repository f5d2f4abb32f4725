import path from 'node:path';
import { clearScreenDown, cursorTo, moveCursor } from 'node:readline';
import type { WriteStream } from 'node:tty';
import { TRAINING_ENVIRONMENT } from '../../model/contract/sagemaker-jobs.ts';
import { FOLDERS, inputPrefix } from '../../stacks/learning/folders.ts';
import { duration } from '../shared/cli.ts';
import { ROOT } from '../shared/paths.ts';
import type { StepState } from './execution.ts';
import type { Naming } from './inputs.ts';
import type { ExecutionRecord, Plan } from './record.ts';
import type { Ended } from './run.ts';

/** Hangul, Chinese, Japanese and most emoji are as wide as two letters. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** The text, or its beginning and an ellipsis where it takes more columns of a terminal. */
export const shortened = (text: string, columns: number): string => {
  // Composed, as macOS names a folder by the parts of each Hangul syllable.
  const characters = Array.from(text.normalize('NFC'));
  let width = 0;
  const widths = characters.map((character) => {
    width += WIDE.test(character) ? 2 : 1;
    return width;
  });
  if (width <= columns) return text;
  return `${characters.filter((_, index) => (widths[index] ?? 0) < columns).join('')}…`;
};

/** How long a step has been running, or took. */
const elapsed = ({ startedAt, endedAt }: StepState): string =>
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

/** Whether a parameter points to the folder that stands for an input which is left out. */
const isLeftOut = (value: string): boolean => {
  const [, bucket] = /^s3:\/\/([^/]+)\//.exec(value) ?? [];
  return bucket !== undefined && value === inputPrefix(bucket, FOLDERS.nothing);
};

/**
 * What is about to be done, and how it differs from SageMaker.
 *
 * @param folder in which it is done
 */
export const introduction = (
  { id, plan }: Pick<ExecutionRecord, 'id'> & { readonly plan: Pick<Plan, 'pipeline' | 'parameters'> },
  folder: string,
  named: Naming,
): string[] => {
  const shown = (value: string) => (isLeftOut(value) ? 'none' : named(value));
  return [
    `Pipeline ${plan.pipeline}, execution ${id}`,
    ...table(Object.entries(plan.parameters).map(([name, value]) => [`  ${name}`, shown(String(value))])),
    `On this machine the images, machines, roles and networks of the definition are not used, and ${TRAINING_ENVIRONMENT.requireGpu} is false. S3, logs and models are in ${path.relative(ROOT, folder)}.`,
    '',
  ];
};

/** Shows how an execution goes. */
interface View {
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

const RESUME = 'npm run pipeline -- --resume';

/** What to type to go on; nothing where that would not help. */
export const goingOn = ({ status, resumable }: Pick<Ended, 'status' | 'resumable'>): string | undefined => {
  if (!resumable) return undefined;
  return status === 'Stopped'
    ? `It was stopped. Go on with it: ${RESUME}`
    : `What is done is kept. If the reason lies outside of the parameters, mend it and go on: ${RESUME}`;
};
