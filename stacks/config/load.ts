import { ConfigurationError } from './configuration-error.ts';
import { chosenOf, type Sources } from './layers.ts';
import { problemsOf, ruleOf } from './problem.ts';
import { type Configuration, configuration } from './schema.ts';

interface Leaf {
  readonly names: readonly string[];
  readonly value: unknown;
}

const nested = (leaves: readonly Leaf[]): unknown => {
  const [first] = leaves;
  if (first?.names.length === 0) return first.value;
  const groups = new Map<string, Leaf[]>();
  for (const {
    names: [name = '', ...names],
    value,
  } of leaves)
    groups.set(name, [...(groups.get(name) ?? []), { names, value }]);
  return Object.fromEntries([...groups].map(([name, group]) => [name, nested(group)]));
};

/**
 * The configuration of the cloud. Later layers win, field by field: the schema's defaults, the environment's defaults
 * (`environments.ts`), `context.bloomstack.all`, `context.bloomstack.environments.<environment>`, BLOOMSTACK_* variables.
 * The environment is BLOOMSTACK_ENVIRONMENT, or `context.bloomstack.environment`, or dev.
 *
 * @throws ConfigurationError whose one line names every wrong field, its value, where it was written and how to mend it
 */
export const loadConfiguration = (sources: Sources): Configuration => {
  const chosen = chosenOf(sources);
  const leaves = [...chosen].map(([path, { value }]) => ({ names: path.split('.'), value }));
  const result = configuration.safeParse(nested(leaves), { error: ({ path }) => ruleOf(path ?? []) });
  if (!result.success) throw new ConfigurationError(problemsOf(result.error.issues, chosen));
  return result.data;
};
