import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { closestMatch } from 'leven';
import { z } from 'zod';
import { FIELD_OF_PATH, FIELD_OF_VARIABLE, type Field, SECTIONS, VARIABLE_PREFIX } from './fields.ts';
import { type Configuration, configuration, ENVIRONMENTS, type PartialConfiguration } from './schema.ts';

/**
 * Defaults of an environment that differ from the schema's. The schema's are for dev: cheap and quick to destroy. prod
 * survives the loss of an Availability Zone and is protected against deletion.
 */
const ENVIRONMENT_DEFAULTS: Readonly<Record<Configuration['environment'], PartialConfiguration>> = {
  dev: {},
  prod: {
    deletionProtection: true,
    // With a single gateway, a failure of its zone would cut off the services in the other zones too.
    network: { nat: 'per-zone' },
    // SageMaker spreads two or more instances over zones; the maximum leaves the same room above them as in dev.
    learning: { endpointMinInstances: 2, endpointMaxInstances: 4 },
    observability: {
      // Long enough to look into what is reported about the last quarter.
      logRetentionDays: 90,
      // For investigating incidents.
      firewallLogs: true,
      flowLogs: true,
      bucketLogs: true,
      sharedLogGroups: true,
    },
  },
};

/** The configuration is invalid. The message is one line. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  /** Each names a field, where its value comes from, what is wrong and how to fix it. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: ErrorOptions) {
    // Values may contain line breaks.
    const text = problems.join('; ').replace(/\s+/g, ' ');
    super(`The configuration is wrong: ${text}${text.endsWith('?') ? '' : '.'}`, options);
    this.problems = problems;
  }
}

const PROJECT_FILE = fileURLToPath(new URL('../../cdktf.json', import.meta.url));
/** The variable in which cdktf-cli passes the context to the app that it runs. */
const CONTEXT_VARIABLE = 'CDKTF_CONTEXT_JSON';

const fieldsObject = z.record(z.string(), z.unknown());

/**
 * The `context` of cdktf.json. cdktf only passes it to the app if its own CLI runs it; otherwise it is read from the
 * file.
 *
 * @throws ConfigurationError if it cannot be read
 */
export const readContext = (
  env: NodeJS.ProcessEnv = process.env,
  file: string = PROJECT_FILE,
): Readonly<Record<string, unknown>> => {
  const passed = env[CONTEXT_VARIABLE];
  try {
    const json: unknown = JSON.parse(passed || readFileSync(file, 'utf8'));
    return passed
      ? fieldsObject.parse(json)
      : z.object({ context: fieldsObject.default({}) }).parse(json).context;
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : cause;
    const problem = passed
      ? `${CONTEXT_VARIABLE} cannot be read (${why}), unset it, cdktf.json is read without it`
      : `cdktf.json cannot be read (${why}), fix it as docs/configuration.md shows`;
    throw new ConfigurationError([problem], { cause });
  }
};

const CONTEXT = 'cdktf.json, context.bloomstack';

/** A value for a field, and where it was set: a variable's name, or a path in cdktf.json. */
interface Choice {
  readonly path: string;
  readonly value: unknown;
  readonly place: string;
}

/** The choices in an object of the configuration's shape, which may be partial. */
const objectChoices = (object: Readonly<Record<string, unknown>>, place: string, section = ''): Choice[] =>
  Object.entries(object).flatMap(([name, value]) => {
    const path = `${section}${name}`;
    const inner = SECTIONS.has(path) ? fieldsObject.safeParse(value).data : undefined;
    return inner ? objectChoices(inner, place, `${path}.`) : [{ path, value, place: `${place}.${path}` }];
  });

/** Parses a variable. Text that does not fit the type is returned as it is, for the schema to report. */
const parseText = (text: string, type: Field['type']): unknown => {
  if (type === 'array') return text.split(',').map((item) => item.trim());
  if (type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  return type !== 'string' && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
};

/** The choices in variables that begin with BLOOMSTACK_. An empty one counts as unset, as in a shell's `${X:-default}`. */
const variableChoices = (env: NodeJS.ProcessEnv): Choice[] =>
  Object.entries(env).flatMap(([name, text]) => {
    if (!name.startsWith(VARIABLE_PREFIX) || !text) return [];
    const { path, type } = FIELD_OF_VARIABLE.get(name) ?? { path: name, type: 'string' as const };
    return [{ path, value: parseText(text, type), place: name }];
  });

/** Problems of a choice that do not depend on its value. */
const misplaced = ({ path, value, place }: Choice): string[] => {
  if (path === 'environment' && place.startsWith(CONTEXT))
    // It selects the layers, so it cannot be set in one.
    return [`environment (${place}) cannot be chosen there, write it in ${CONTEXT}.environment`];
  if (FIELD_OF_PATH.has(path)) return [];
  if (SECTIONS.has(path)) return [`${place} is ${JSON.stringify(value)}: give an object of fields`];
  const isVariable = path === place;
  const known = isVariable ? FIELD_OF_VARIABLE.keys() : [...FIELD_OF_PATH.keys(), ...SECTIONS];
  const unknown = isVariable ? `unknown variable ${path}` : `unknown field ${path} (${place})`;
  return [`${unknown}, did you mean ${closestMatch(path, [...known])}?`];
};

const layer = fieldsObject.default({});
const outline = z
  .strictObject({
    environment: z.unknown().optional(),
    all: layer,
    environments: z.strictObject({ dev: layer, prod: layer }).prefault({}),
  })
  .prefault({});

const outlineProblem = (issue: z.core.$ZodIssue): string => {
  const place = [CONTEXT, ...issue.path].join('.');
  if (issue.code !== 'unrecognized_keys')
    return `${place} is not an object, give one as in docs/configuration.md`;
  const names = issue.keys.map((key) => `${place}.${key}`).join(' and ');
  return issue.path.length > 0
    ? `${names} is an unknown environment, give ${ENVIRONMENTS.join(' or ')}`
    : `${names} is unknown, write a field in context.bloomstack.all or in context.bloomstack.environments.<environment>`;
};

interface Sources {
  /** The `context` of cdktf.json. */
  readonly context: Readonly<Record<string, unknown>>;
  readonly env: NodeJS.ProcessEnv;
}

/** The choice for each field, by path. Later layers take precedence; arrays are replaced, not merged. */
const mergeLayers = ({ context, env }: Sources): ReadonlyMap<string, Choice> => {
  const read = outline.safeParse(context['bloomstack']);
  if (!read.success) throw new ConfigurationError(read.error.issues.map(outlineProblem));
  const { all, environments, environment: value = 'dev' } = read.data;

  const variables = variableChoices(env);
  const environment = variables.find(({ path }) => path === 'environment') ?? {
    path: 'environment',
    value,
    place: value === 'dev' ? 'default' : `${CONTEXT}.environment`,
  };
  const everywhere = objectChoices(all, `${CONTEXT}.all`);
  // The other environments are checked too, so that misspelt fields are found before they are deployed.
  const byEnvironment = {
    dev: objectChoices(environments.dev, `${CONTEXT}.environments.dev`),
    prod: objectChoices(environments.prod, `${CONTEXT}.environments.prod`),
  };
  const written = [...everywhere, ...byEnvironment.dev, ...byEnvironment.prod, ...variables];
  const problems = written.flatMap(misplaced);
  const name = z.enum(ENVIRONMENTS).safeParse(environment.value);
  if (!name.success)
    problems.unshift(
      `environment (${environment.place}) is ${JSON.stringify(environment.value)}: give ${ENVIRONMENTS.join(' or ')}`,
    );
  if (!name.success || problems.length > 0) throw new ConfigurationError(problems);
  const defaults = objectChoices(ENVIRONMENT_DEFAULTS[name.data], '').map((choice) => ({
    ...choice,
    place: `default of ${name.data}`,
  }));
  const layers = [...defaults, ...everywhere, ...byEnvironment[name.data], ...variables, environment];
  return new Map(layers.map((choice) => [choice.path, choice]));
};

/** Groups fields into their sections. */
const nest = (chosen: ReadonlyMap<string, Choice>): unknown => {
  const object: Record<string, Record<string, unknown>> = {};
  for (const { path, value } of chosen.values()) {
    const [section = '', name = ''] = path.includes('.') ? path.split('.') : ['', path];
    object[section] = { ...object[section], [name]: value };
  }
  const { '': top, ...sections } = object;
  return { ...sections, ...top };
};

/** The field that an issue is about, or whose array contains the item that it is about. */
const fieldAt = (path: readonly PropertyKey[]): Field | undefined =>
  path
    .map((_, index) => FIELD_OF_PATH.get(path.slice(0, index + 1).join('.')))
    .find((field) => field !== undefined);

const describeRange = ({ minimum, maximum }: Field): string => {
  if (minimum === undefined) return '';
  return maximum === undefined ? ` of at least ${minimum}` : ` from ${minimum} to ${maximum}`;
};

/** The rule of a field's type, for issues that have no message of their own in the schema. */
const typeRule = (path: readonly PropertyKey[]): string | undefined => {
  const field = fieldAt(path);
  switch (field?.type) {
    case 'string':
      return field.choices.length > 0
        ? `give ${field.choices.join(' or ')}`
        : `give a string in quotation marks, such as ${JSON.stringify(field.default)}`;
    case 'integer':
      return `give a whole number${describeRange(field)}, such as ${field.default}`;
    case 'number':
      return `give a number${describeRange(field)}, such as ${field.default}`;
    case 'boolean':
      return 'give true or false';
    case 'array':
      return `give a list of strings, such as ${JSON.stringify(field.default)}`;
    case undefined:
      return undefined;
  }
};

/** One problem for each field with issues: its value, where that comes from, and each rule that it breaks. */
const describeIssues = (
  issues: readonly z.core.$ZodIssue[],
  chosen: ReadonlyMap<string, Choice>,
): readonly string[] => {
  const brokenRules = new Map<Field, Set<string>>();
  const chosenFor = ({ path, default: value }: Field) => chosen.get(path) ?? { value, place: 'default' };
  for (const { path, message } of issues) {
    const field = fieldAt(path);
    if (!field) throw new Error(`The schema reports ${path.join('.')}, which is not a field.`);
    const { value } = chosenFor(field);
    const index = path.at(-1);
    // Names the wrong item if there are several.
    const isItem = typeof index === 'number' && Array.isArray(value) && value.length > 1;
    const rule = isItem ? `${JSON.stringify(value[index])} is wrong, ${message}` : message;
    brokenRules.set(field, (brokenRules.get(field) ?? new Set<string>()).add(rule));
  }
  return [...brokenRules].map(([field, rules]) => {
    const { value, place } = chosenFor(field);
    return `${field.path} (${place}) is ${JSON.stringify(value)}: ${[...rules].join(', and ')}`;
  });
};

/**
 * The configuration of the cloud. Later layers take precedence, field by field: the schema's defaults, the
 * environment's defaults, `context.bloomstack.all`, `context.bloomstack.environments.<environment>`, BLOOMSTACK_*
 * variables. The environment is BLOOMSTACK_ENVIRONMENT, or `context.bloomstack.environment`, or dev.
 *
 * @throws ConfigurationError that names every invalid field, its value, where it was set and how to fix it, in one line
 *
 * @example
 * const { environment, region } = loadConfiguration({
 *   context: { bloomstack: { environments: { prod: { region: 'us-east-1' } } } },
 *   env: { BLOOMSTACK_ENVIRONMENT: 'prod' },
 * });
 * [environment, region]; // => ['prod', 'us-east-1']
 */
export const loadConfiguration = (sources: Sources): Configuration => {
  const chosen = mergeLayers(sources);
  const result = configuration.safeParse(nest(chosen), { error: ({ path }) => typeRule(path ?? []) });
  if (!result.success) throw new ConfigurationError(describeIssues(result.error.issues, chosen));
  return result.data;
};
