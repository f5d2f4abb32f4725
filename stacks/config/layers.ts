import { z } from 'zod';
import { type Choice, type Choices, choicesOfObject, choicesOfVariables } from './choices.ts';
import { ConfigurationError } from './configuration-error.ts';
import { ENVIRONMENT_DEFAULTS } from './environments.ts';
import { ENVIRONMENTS } from './schema.ts';

/** Where people write the configuration. */
export interface Sources {
  /** The `context` of cdktf.json. */
  readonly context: Readonly<Record<string, unknown>>;
  readonly env: NodeJS.ProcessEnv;
}

const CONTEXT = 'cdktf.json, context.bloomstack';

const outline = z
  .strictObject({
    environment: z.unknown().optional(),
    all: z.unknown().optional(),
    environments: z.strictObject({ dev: z.unknown().optional(), prod: z.unknown().optional() }).default({}),
  })
  .prefault({});

const environmentName = z.enum(ENVIRONMENTS);

const outlineProblem = (issue: z.core.$ZodIssue): string => {
  const place = [CONTEXT, ...issue.path].join('.');
  if (issue.code !== 'unrecognized_keys')
    return `${place} is no object, give one as in docs/configuration.md`;
  const names = issue.keys.map((key) => `${place}.${key}`).join(' and ');
  return issue.path.length > 0
    ? `${names} is for no environment that there is, give ${ENVIRONMENTS.join(' or ')}`
    : `${names} is not known, write a field in context.bloomstack.all or in context.bloomstack.environments.<environment>`;
};

const readContextLayer = (place: string, layer: unknown = {}): Choices => {
  const { chosen, problems } = choicesOfObject(layer, (path) => (path ? `${place}.${path}` : place));
  const environment = chosen.get('environment');
  if (!environment) return { chosen, problems };
  // It picks the layers, so no layer can hold it.
  return {
    chosen,
    problems: [
      ...problems,
      `environment (${environment.place}) cannot be chosen there, write it in ${CONTEXT}.environment`,
    ],
  };
};

/**
 * Lays what people chose over the environment's defaults: the context's `all`, the context's part for the environment,
 * the variables. The last that chooses a field wins; arrays are replaced.
 *
 * @returns the choice for each field, by its path; the schema knows the rest
 * @throws ConfigurationError that names every field and variable that there is not
 */
export const chosenOf = ({ context, env }: Sources): ReadonlyMap<string, Choice> => {
  const read = outline.safeParse(context['bloomstack']);
  if (!read.success) throw new ConfigurationError(read.error.issues.map(outlineProblem));
  const { all, environments, environment: inContext } = read.data;

  const variables = choicesOfVariables(env);
  const environment = variables.chosen.get('environment') ?? {
    value: inContext ?? 'dev',
    place: inContext === undefined ? 'default' : `${CONTEXT}.environment`,
  };
  const everywhere = readContextLayer(`${CONTEXT}.all`, all);
  // The other environments are read too: their misspelt fields should not wait for the day of their deployment.
  const byEnvironment = {
    dev: readContextLayer(`${CONTEXT}.environments.dev`, environments.dev),
    prod: readContextLayer(`${CONTEXT}.environments.prod`, environments.prod),
  };
  const name = environmentName.safeParse(environment.value);
  const problems = [everywhere, byEnvironment.dev, byEnvironment.prod, variables].flatMap(
    (layer) => layer.problems,
  );
  if (!name.success)
    problems.unshift(
      `environment (${environment.place}) is ${JSON.stringify(environment.value)}: give ${ENVIRONMENTS.join(' or ')}`,
    );
  if (!name.success || problems.length > 0) throw new ConfigurationError(problems);

  const defaults = choicesOfObject(ENVIRONMENT_DEFAULTS[name.data], () => `default of ${name.data}`);
  const layers = [defaults, everywhere, byEnvironment[name.data], variables];
  return new Map([...layers.flatMap(({ chosen }) => [...chosen]), ['environment', environment]]);
};
