import { clearLine, cursorTo } from 'node:readline';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { progressReporter, type ReportProgress } from '../../model/shared/progress.ts';
import { errorText, kebabCase } from '../../model/shared/text.ts';

/** A command whose options are the fields of a zod object. */
interface CommandSpec<Options extends z.ZodObject> {
  /** The help's text above the options; begins with `Usage: `. */
  readonly head: string;
  /** The help's text below the options. @default - none */
  readonly foot?: string;
  /** Exit code of a wrong call. @default 1 */
  readonly usageExitCode?: number;
  /**
   * A field `batchSize` is the option `--batch-size`. A field that accepts `true` takes no value, all others take text,
   * and a record takes every option that no other field is, as `--NAME=VALUE`. What a field's metadata describes is in
   * the help, with the name of its value: `.meta({ value: 'DIR', description: 'folder of photos' })`; with
   * `positional: true` the field is a list of what belongs to no option. The metadata must come last, because `.default()` and `.optional()` do not keep it. Messages of fields complete "must be".
   */
  readonly options: Options;
}

/** An option that names a folder. */
export const folderOption = (description: string) =>
  z.string().optional().meta({ value: 'DIR', description });

/** An error that ends its command with an exit code of its own. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

const HELP = 'help';

const optionMeta = z.object({
  value: z.string().optional(),
  description: z.string(),
  positional: z.boolean().default(false),
});
const readMeta = (field: z.core.$ZodType) => optionMeta.safeParse(z.globalRegistry.get(field)).data;

const isFlag = (field: z.core.$ZodType): boolean => z.safeParse(field, true).success;
const isRecord = (field: z.core.$ZodType): boolean => z.safeParse(field, {}).success;

/** The text that `--help` prints. */
export const helpText = ({ head, foot = '', options }: CommandSpec<z.ZodObject>): string => {
  const described = Object.entries(options.shape).flatMap(([name, field]) => {
    const meta = readMeta(field);
    if (!meta) return [];
    const { value, description, positional } = meta;
    const named = () => [`--${kebabCase(name)}`, value ?? []].flat().join(' ');
    const option = positional ? `${value} ...` : isRecord(field) ? `--${value}` : named();
    return [{ option, description }];
  });
  const width = Math.max(0, ...described.map(({ option }) => option.length)) + 3;
  const lines = described.map(
    ({ option, description }) =>
      `  ${option.padEnd(width)}${description.replaceAll('\n', `\n${' '.repeat(width + 2)}`)}\n`,
  );
  return `${head}\n${lines.join('')}${foot}`;
};

/** The options as they were typed, by the name of their field. @throws Error with a line for each that is wrong */
const readTokens = (shape: z.ZodObject['shape'], args: readonly string[]): Record<string, unknown> => {
  const names = Object.keys(shape);
  const others = names.find((name) => isRecord(shape[name]));
  const rest = names.find((name) => shape[name] && readMeta(shape[name])?.positional);
  const fields = new Map(
    names.filter((name) => name !== others && name !== rest).map((name) => [kebabCase(name), name] as const),
  );
  const flags = new Set([...fields].flatMap(([option, name]) => (isFlag(shape[name]) ? [option] : [])));
  const options = Object.fromEntries(
    [...fields.keys()].map((option) => [option, { type: flags.has(option) ? 'boolean' : 'string' } as const]),
  );
  const { tokens } = parseArgs({ args: [...args], strict: false, tokens: true, options });
  const typed: Record<string, unknown> = {};
  const collected: Record<string, unknown> = {};
  const positionals = tokens.flatMap((token) => (token.kind === 'positional' ? token.value : []));
  if (rest !== undefined && positionals.length > 0) typed[rest] = positionals;
  const problem = (token: (typeof tokens)[number]): string | undefined => {
    if (token.kind === 'positional' && rest === undefined) return `"${token.value}" belongs to no option.`;
    if (token.kind !== 'option') return undefined;
    const { name: option, rawName, value, inlineValue } = token;
    const name = fields.get(option);
    if (name === undefined && (others === undefined || value === undefined))
      return `There is no option ${rawName}.`;
    if (flags.has(option) && value !== undefined)
      return `--${option} is "${value}", but must be given without a value.`;
    if (!flags.has(option) && (value === undefined || (value.startsWith('-') && !inlineValue)))
      return `--${option} needs a value: --${option}=VALUE`;
    (name === undefined ? collected : typed)[name ?? option] = value ?? true;
    return undefined;
  };
  const problems = tokens.flatMap((token) => problem(token) ?? []);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return others === undefined ? typed : { ...typed, [others]: collected };
};

/** What is wrong with values, a line each. */
const describeIssues = (typed: Readonly<Record<string, unknown>>, { issues }: z.ZodError): string =>
  issues
    .map(({ path: [key], message }) => {
      if (key === undefined) return message;
      const name = String(key);
      return typed[name] === undefined
        ? `--${kebabCase(name)} is missing; it must be ${message}.`
        : `--${kebabCase(name)} is "${typed[name]}", but must be ${message}.`;
    })
    .join('\n');

/**
 * Reads a command line.
 *
 * @returns nothing when help is asked for
 * @throws Error with a line for everything that is wrong
 */
export const readOptions = <Options extends z.ZodObject>(
  options: Options,
  args: readonly string[],
): z.output<Options> | undefined => {
  if (args.includes(`--${HELP}`)) return undefined;
  const typed = readTokens(options.shape, args);
  const { data, error } = options.safeParse(typed);
  if (error) throw new Error(describeIssues(typed, error));
  return data;
};

const awsError = z.object({
  $metadata: z.object({ httpStatusCode: z.number(), requestId: z.string().optional() }),
});

/** An error's text; of AWS's errors also what its support asks for. */
const describeError = (error: unknown): string => {
  const { data } = awsError.safeParse(error);
  if (!data || !(error instanceof Error)) return errorText(error);
  const { httpStatusCode, requestId } = data.$metadata;
  return `AWS answered ${error.name}: ${error.message} (status ${httpStatusCode}, request ${requestId})`;
};

/**
 * Runs a command of this process's command line. An error is one message without a stack trace; a wrong call is
 * followed by the help.
 *
 * @param run resolves to the exit code
 */
export const runCommand = async <Options extends z.ZodObject>(
  command: CommandSpec<Options>,
  run: (options: z.output<Options>) => Promise<number>,
): Promise<void> => {
  // The SDK's advice to leave Node 20 would come before anything that the command says.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  let options: z.output<Options> | undefined;
  try {
    options = readOptions(command.options, process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${errorText(error)}\n\n${helpText(command)}`);
    process.exitCode = command.usageExitCode ?? 1;
    return;
  }
  if (!options) {
    process.stdout.write(helpText(command));
    return;
  }
  try {
    process.exitCode = await run(options);
  } catch (error) {
    showProgress('');
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = error instanceof CommandError ? error.exitCode : 1;
  }
};

/** Shows how far a long job is: one line that is rewritten in a terminal, nothing in a log. */
export const showProgress = (text: string): void => {
  if (!process.stdout.isTTY) return;
  clearLine(process.stdout, 0);
  cursorTo(process.stdout, 0);
  process.stdout.write(text);
};

/** Prints a line that stays, in place of the progress. */
export const print = (text: string): void => {
  showProgress('');
  process.stdout.write(`${text}\n`);
};

/** Rows with columns as wide as they need to be. */
export const textTable = (rows: readonly (readonly string[])[]): string[] => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
};

/** Seconds between two lines of progress in a log. */
const LOG_PAUSE = 4;

/** Shows how far a long job is and what is left of it: in a terminal one line that is rewritten, in a log a line now and then. */
export const progressLine = (): ReportProgress =>
  process.stdout.isTTY ? progressReporter(showProgress, 0.1) : progressReporter(print, LOG_PAUSE);

/**
 * Reports what is being waited for.
 *
 * @param line in a terminal: one line, rewritten each time
 * @param log elsewhere: a line whenever it changes. @default - `line`
 */
export type Report = (line: string, log?: string) => void;

/** A report on standard output. */
export const statusLine = (): Report => {
  let last = '';
  return (line, log = line) => {
    if (process.stdout.isTTY) showProgress(`  ${line}`.slice(0, process.stdout.columns || undefined));
    else if (log !== last) process.stdout.write(`  ${log}\n`);
    last = log;
  };
};

/** As a shell says that a signal has ended a command. */
export const INTERRUPTED = 130;

/**
 * Asks before something that costs or destroys.
 *
 * @param expected what must be typed
 * @throws Error when something else is typed, or there is no terminal
 */
export const confirm = async (question: string, expected: string): Promise<void> => {
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new Error(`${question}\nNo interactive terminal to confirm this. Pass --yes to continue.`);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // Ctrl-C and Ctrl-D close it, and its question would wait without end.
  const closed = new AbortController();
  terminal.once('close', () => closed.abort());
  try {
    const text = `${question} Type ${expected} to continue: `;
    const answer = await terminal.question(text, { signal: closed.signal }).catch(() => '');
    if (answer.trim() !== expected) throw new Error('Nothing was done.');
  } finally {
    terminal.close();
  }
};
