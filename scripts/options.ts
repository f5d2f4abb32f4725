import { parseArgs } from 'node:util';
import { z } from 'zod';
import { type OptionHelp, optionHelp, optionName } from '../model/training/recipe.ts';

/** The options of a command line from one zod schema: parsing, usage, and what is said of wrong ones. */

type Field = z.core.$ZodType;

const inner = (field: Field): Field | undefined =>
  field instanceof z.ZodDefault || field instanceof z.ZodOptional ? field.unwrap() : undefined;

const helpOf = (field: Field): OptionHelp | undefined => {
  const wrapped = inner(field);
  return optionHelp.get(field) ?? (wrapped && helpOf(wrapped));
};

const isFlag = (field: Field): boolean => helpOf(field)?.value === undefined;

const defaultOf = (field: Field): string | undefined => {
  if (isFlag(field)) return undefined;
  return field instanceof z.ZodDefault ? String(field.def.defaultValue) : helpOf(field)?.otherwise;
};

const COLUMN = 24;

/** A line of a usage, such as `  --epochs N            times that every photo is seen`. */
export const usageLine = (key: string, field: Field): string => {
  const { value, text = '' } = helpOf(field) ?? {};
  const name = `  --${optionName(key)}${value === undefined ? '' : ` ${value}`}`;
  return `${name.padEnd(COLUMN)}${text.replaceAll('\n', `\n${' '.repeat(COLUMN)}`)}`;
};

/** The lines of all options, each with its default. */
export const usageLines = ({ shape }: z.ZodObject): string =>
  Object.entries(shape)
    .map(([key, field]) => {
      const otherwise = defaultOf(field);
      return usageLine(key, field) + (otherwise === undefined ? '' : ` (${otherwise})`);
    })
    .join('\n');

/** What is wrong with options, a line each. */
export const optionProblems = (given: Readonly<Record<string, unknown>>, { issues }: z.ZodError): string =>
  issues
    .map(({ path: [key = ''], message }) => {
      const [name, value] = [optionName(String(key)), given[String(key)]];
      return value === undefined
        ? `--${name} is missing; it must be ${message}.`
        : `--${name} is "${value}", but must be ${message}.`;
    })
    .join('\n');

/**
 * Reads options.
 *
 * @returns undefined when help was asked for
 * @throws Error that names everything that is wrong
 */
export const readOptions = <Schema extends z.ZodObject>(
  schema: Schema,
  parameters: readonly string[],
): z.output<Schema> | undefined => {
  const options: Record<string, { type: 'boolean' | 'string' }> = { help: { type: 'boolean' } };
  for (const [key, field] of Object.entries(schema.shape))
    options[optionName(key)] = { type: isFlag(field) ? 'boolean' : 'string' };
  const { values } = parseArgs({ args: [...parameters], options });
  if (values['help']) return undefined;
  const given = Object.fromEntries(
    Object.keys(schema.shape)
      .map((key) => [key, values[optionName(key)]] as const)
      .filter(([, value]) => value !== undefined),
  );
  const { data, error } = schema.safeParse(given);
  if (error) throw new Error(optionProblems(given, error));
  return data;
};
