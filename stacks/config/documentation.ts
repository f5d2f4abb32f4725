import { FIELDS, type Field } from './fields.ts';
import { loadConfiguration } from './load.ts';

const valueAt = (object: unknown, [name, ...names]: readonly string[]): unknown => {
  if (name === undefined) return object;
  const entry = Object.entries(object ?? {}).find(([key]) => key === name);
  return valueAt(entry?.[1], names);
};

const valueText = (value: unknown): string => {
  const text = Array.isArray(value) ? value.join(',') : String(value);
  return text === '' ? 'empty' : `\`${text}\``;
};

const allowed = ({ choices, minimum, maximum }: Field): string => {
  if (choices.length > 0) return ` ${choices.map(valueText).join(' or ')}.`;
  if (minimum === undefined && maximum === undefined) return '';
  return maximum === undefined ? ` At least ${minimum}.` : ` ${minimum} to ${maximum}.`;
};

/** The table of docs/configuration.md: one row for each field. */
const configurationTable = (): string => {
  const load = (environment: string) =>
    loadConfiguration({ context: {}, env: { BLOOMSTACK_ENVIRONMENT: environment } });
  const [dev, prod] = [load('dev'), load('prod')];
  const rows = FIELDS.map((field) => {
    const names = field.path.split('.');
    const [inDev, inProd] = [valueText(valueAt(dev, names)), valueText(valueAt(prod, names))];
    const meaning = `${field.description}${allowed(field)}`.replaceAll('|', '\\|');
    const inProdOnly = inProd === inDev ? '' : inProd;
    return `| \`${field.path}\` | \`${field.variable}\` | ${inDev} | ${inProdOnly} | ${meaning} |`;
  });
  return [
    '| field | variable | default (dev) | prod, if it differs | meaning |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
};

/** Updates the table in the document; the rest of it is written by hand. */
export const updateConfigurationDocument = (document: string): string =>
  document.replace(/^\| field \|.*(?:\n\|.*)*/m, () => configurationTable());
