import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { closestMatch } from 'leven';
import { z } from 'zod';
import { FIELD_OF_PATH, FIELD_OF_VARIABLE, type Field, SECTIONS, VARIABLE_PREFIX } from './fields.ts';
import { type Configuration, configuration, ENVIRONMENTS, type PartialConfiguration } from './schema.ts';

/**
 * What an environment chooses where it differs from the schema's defaults. Those are for dev: cheap, and quick to
 * destroy again. prod pays for outliving the loss of an Availability Zone, and for not being deleted by mistake.
 */
const ENVIRONMENT_DEFAULTS: Readonly<Record<Configuration['environment'], PartialConfiguration>> = {
  dev: {},
  prod: {
    deletionProtection: true,
    // With one gateway, its zone's failure would cut off the services in the other zones too.
    network: { nat: 'per-zone' },
    // SageMaker spreads two or more instances over zones; the maximum leaves the same room above them as in dev.
    learning: { endpointMinInstances: 2, endpointMaxInstances: 4 },
    observability: {
      // Long enough to look into what is reported about the last quarter.
      logRetentionDays: 90,
      // Who asked for what, when something has happened.
      firewallLogs: true,
      flowLogs: true,
      bucketLogs: true,
      sharedLogGroups: true,
    },
  },
};

/** Something in the configuration cannot be used. The message is one line. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  /** Each names the field, where its value comes from, what is wrong and how to fix it. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: ErrorOptions) {
    // What people wrote may hold line breaks.
    const text = problems.join('; ').replace(/\s+/g, ' ');
    super(`The configuration is wrong: ${text}${text.endsWith('?') ? '' : '.'}`, options);
    this.problems = problems;
  }
}

const PROJECT_FILE = fileURLToPath(new URL('../../cdktf.json', import.meta.url));
/** The variable in which cdktf-cli passes the context to the app that it runs. */
const CONTEXT_VARIABLE = 'CDKTF_CONTEXT_JSON';

const context = z.record(z.string(), z.unknown());
const projectFile = z.object({ context: context.default({}) });

const wrong = (what: string, cause: unknown, fix: string) =>
  new ConfigurationError([`${what} (${cause instanceof Error ? cause.message : cause}), ${fix}`], { cause });

const parseJson = <T>(text: string, schema: z.ZodType<T>, place: string, fix: string): T => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw wrong(`${place} is not valid JSON`, cause, fix);
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const where = result.error.issues.map(({ path }) => [place, ...path].join(', ')).join(' and ');
  throw new ConfigurationError([`${where} is not an object, ${fix}`]);
};

/**
 * The `context` of cdktf.json. cdktf passes it to the app only when its own CLI runs that; otherwise it is read from
 * the file.
 *
 * @throws ConfigurationError when it cannot be read
 */
export const readContext = (
  env: NodeJS.ProcessEnv = process.env,
  file: string = PROJECT_FILE,
): Readonly<Record<string, unknown>> => {
  const passed = env[CONTEXT_VARIABLE];
  if (passed) return parseJson(passed, context, CONTEXT_VARIABLE, 'unset it, cdktf.json is read without it');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw wrong('cdktf.json cannot be read', cause, 'restore it from the repository');
  }
  return parseJson(text, projectFile, 'cdktf.json', 'fix it as docs/configuration.md shows').context;
};

const CONTEXT = 'cdktf.json, context.bloomstack';

/** A value for a field, and where it was chosen: a variable's name, or a place in cdktf.json. */
interface Choice {
  readonly value: unknown;
  readonly place: string;
}

/** What one layer chooses: by the fields' paths. */
interface Layer {
  readonly chosen: ReadonlyMap<string, Choice>;
  readonly problems: readonly string[];
}

const fieldsObject = z.record(z.string(), z.unknown());

const didYouMean = (word: string, known: Iterable<string>): string => {
  const other = closestMatch(word, [...known]);
  return other === undefined ? '' : `, did you mean ${other}?`;
};

/**
 * Reads an object of the configuration's shape, of which anything may be left out.
 *
 * @param locate where a field of this layer is written, from its path
 */
const objectLayer = (layer: unknown, locate: (path: string) => string): Layer => {
  const chosen = new Map<string, Choice>();
  const problems: string[] = [];
  const visit = (value: unknown, section: string): void => {
    const object = fieldsObject.safeParse(value);
    if (!object.success) {
      problems.push(`${locate(section)} is ${JSON.stringify(value)}: give an object of fields`);
      return;
    }
    for (const [name, inner] of Object.entries(object.data)) {
      const path = section ? `${section}.${name}` : name;
      const known = [...FIELD_OF_PATH.keys(), ...(section ? [] : SECTIONS)];
      if (FIELD_OF_PATH.has(path)) chosen.set(path, { value: inner, place: locate(path) });
      else if (SECTIONS.has(path)) visit(inner, path);
      else problems.push(`unknown field ${path} (${locate(path)})${didYouMean(path, known)}`);
    }
  };
  visit(layer, '');
  return { chosen, problems };
};

const contextLayer = (place: string, layer: unknown = {}): Layer => {
  const { chosen, problems } = objectLayer(layer, (path) => (path ? `${place}.${path}` : place));
  const environment = chosen.get('environment');
  if (!environment) return { chosen, problems };
  // It picks the layers, so no layer can hold it.
  const misplaced = `environment (${environment.place}) cannot be chosen there, write it in ${CONTEXT}.environment`;
  return { chosen, problems: [...problems, misplaced] };
};

/** The value of a variable's text. A text of another type stays one: the schema reports it. */
const parseText = (text: string, { type }: Field): unknown => {
  switch (type) {
    case 'string':
      return text;
    case 'integer':
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' || text === 'false' ? text === 'true' : text;
    case 'array':
      return text.split(',').map((item) => item.trim());
  }
};

/** Reads the variables that begin with BLOOMSTACK_. An empty one counts as not set, as in a shell's `${X:-default}`. */
const variablesLayer = (env: NodeJS.ProcessEnv): Layer => {
  const chosen = new Map<string, Choice>();
  const problems: string[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(VARIABLE_PREFIX) || text === undefined) continue;
    const field = FIELD_OF_VARIABLE.get(name);
    if (!field) problems.push(`unknown variable ${name}${didYouMean(name, FIELD_OF_VARIABLE.keys())}`);
    else if (text !== '') chosen.set(field.path, { value: parseText(text, field), place: name });
  }
  return { chosen, problems };
};

const outline = z
  .strictObject({
    environment: z.unknown().optional(),
    all: z.unknown().optional(),
    environments: z.strictObject({ dev: z.unknown().optional(), prod: z.unknown().optional() }).default({}),
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

/** Where the configuration is written. */
interface Sources {
  /** The `context` of cdktf.json. */
  readonly context: Readonly<Record<string, unknown>>;
  readonly env: NodeJS.ProcessEnv;
}

/** The choice for each field, by its path; the last layer that chooses a field takes precedence, arrays are replaced. */
const mergeLayers = ({ context, env }: Sources): ReadonlyMap<string, Choice> => {
  const read = outline.safeParse(context['bloomstack']);
  if (!read.success) throw new ConfigurationError(read.error.issues.map(outlineProblem));
  const { all, environments, environment: inContext } = read.data;

  const variables = variablesLayer(env);
  const environment = variables.chosen.get('environment') ?? {
    value: inContext ?? 'dev',
    place: inContext === undefined ? 'default' : `${CONTEXT}.environment`,
  };
  const everywhere = contextLayer(`${CONTEXT}.all`, all);
  // The other environments are read too: their misspelt fields should not wait for the day of their deployment.
  const byEnvironment = {
    dev: contextLayer(`${CONTEXT}.environments.dev`, environments.dev),
    prod: contextLayer(`${CONTEXT}.environments.prod`, environments.prod),
  };
  const name = z.enum(ENVIRONMENTS).safeParse(environment.value);
  const problems = [everywhere, byEnvironment.dev, byEnvironment.prod, variables].flatMap(
    (layer) => layer.problems,
  );
  if (!name.success)
    problems.unshift(
      `environment (${environment.place}) is ${JSON.stringify(environment.value)}: give ${ENVIRONMENTS.join(' or ')}`,
    );
  if (!name.success || problems.length > 0) throw new ConfigurationError(problems);

  const defaults = objectLayer(ENVIRONMENT_DEFAULTS[name.data], () => `default of ${name.data}`);
  const layers = [defaults, everywhere, byEnvironment[name.data], variables];
  return new Map([...layers.flatMap(({ chosen }) => [...chosen]), ['environment', environment]]);
};

const nest = (chosen: ReadonlyMap<string, Choice>): unknown => {
  const below = (prefix: string) =>
    [...chosen].flatMap(([path, { value }]) => {
      const name = path.slice(prefix.length);
      return path.startsWith(prefix) && !name.includes('.') ? [[name, value] as const] : [];
    });
  const sections = [...SECTIONS].map((section) => [section, Object.fromEntries(below(`${section}.`))]);
  return Object.fromEntries([...below(''), ...sections]);
};

/** The field that an issue is about; the issue itself may be about an item of the field's array. */
const fieldAt = (path: readonly PropertyKey[]): Field | undefined =>
  path
    .map((_, index) => FIELD_OF_PATH.get(path.slice(0, index + 1).join('.')))
    .find((field) => field !== undefined);

const describeRange = ({ minimum, maximum }: Field): string => {
  if (minimum === undefined && maximum === undefined) return '';
  return maximum === undefined ? ` of at least ${minimum}` : ` from ${minimum} to ${maximum}`;
};

/** What a field takes, from its type: for the values whose rule has no words of its own in the schema. */
const typeRule = (path: readonly PropertyKey[]): string | undefined => {
  const field = fieldAt(path);
  switch (field?.type) {
    case 'string':
      return field.choices.length > 0
        ? `give ${field.choices.join(' or ')}`
        : `give a text in quotation marks, such as ${JSON.stringify(field.default)}`;
    case 'integer':
      return `give a whole number${describeRange(field)}, such as ${field.default}`;
    case 'number':
      return `give a number${describeRange(field)}, such as ${field.default}`;
    case 'boolean':
      return 'give true or false';
    case 'array':
      return `give a list of texts, such as ${JSON.stringify(field.default)}`;
    case undefined:
      return undefined;
  }
};

/** Of several items, the wrong one is named. */
const ruleWithItem = ({ path, message }: z.core.$ZodIssue, value: unknown): string => {
  const index = path.at(-1);
  if (typeof index !== 'number' || !Array.isArray(value) || value.length < 2) return message;
  return `${JSON.stringify(value[index])} is wrong, ${message}`;
};

/** One problem for every field with issues: its value, where that comes from, and each rule that it breaks. */
const describeIssues = (
  issues: readonly z.core.$ZodIssue[],
  chosen: ReadonlyMap<string, Choice>,
): readonly string[] => {
  const byField = new Map<Field, z.core.$ZodIssue[]>();
  for (const issue of issues) {
    const field = fieldAt(issue.path);
    if (!field) throw new Error(`The schema reports ${issue.path.join('.')}, which is not a field.`);
    byField.set(field, [...(byField.get(field) ?? []), issue]);
  }
  return [...byField].map(([field, those]) => {
    const { value, place } = chosen.get(field.path) ?? { value: field.default, place: 'default' };
    const rules = [...new Set(those.map((issue) => ruleWithItem(issue, value)))];
    return `${field.path} (${place}) is ${JSON.stringify(value)}: ${rules.join(', and ')}`;
  });
};

/**
 * The configuration of the cloud. Later layers take precedence, field by field: the schema's defaults, the environment's
 * defaults, `context.bloomstack.all`, `context.bloomstack.environments.<environment>`, BLOOMSTACK_* variables.
 * The environment is BLOOMSTACK_ENVIRONMENT, or `context.bloomstack.environment`, or dev.
 *
 * @throws ConfigurationError whose one line names every wrong field, its value, where it was written and how to fix it
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
