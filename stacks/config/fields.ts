import { z } from 'zod';
import { configuration } from './schema.ts';

/** A single value of the configuration. */
export interface Field {
  /** As in network.cidr. */
  readonly path: string;
  /** The environment variable that sets it, as in BLOOMSTACK_NETWORK_CIDR. */
  readonly variable: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'array';
  /** What the schema takes when nothing is chosen. */
  readonly default: unknown;
  readonly description: string;
  /** The only texts allowed; empty: any. */
  readonly choices: readonly string[];
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
}

export const VARIABLE_PREFIX = 'BLOOMSTACK_';

/** The part of JSON Schema that the configuration uses. A field of another kind stops here, before it is misread. */
const node = z.object({
  type: z.enum(['object', 'string', 'integer', 'number', 'boolean', 'array']),
  description: z.string().default(''),
  default: z.unknown().optional(),
  enum: z.array(z.string()).default([]),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  get properties() {
    return z.record(z.string(), node).default({});
  },
});

const variableName = (path: string): string =>
  VARIABLE_PREFIX +
  path
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase();

/** JSON Schema bounds every integer by what JavaScript can hold; that is not a rule of ours. */
const chosenBound = (bound: number | undefined): number | undefined =>
  bound === undefined || Math.abs(bound) === Number.MAX_SAFE_INTEGER ? undefined : bound;

const fieldsBelow = (properties: z.output<typeof node>['properties'], parent: string): readonly Field[] =>
  Object.entries(properties).flatMap(([name, { type, enum: choices, ...leaf }]) => {
    const path = parent ? `${parent}.${name}` : name;
    if (type === 'object') return fieldsBelow(leaf.properties, path);
    return {
      path,
      variable: variableName(path),
      type,
      default: leaf.default,
      description: leaf.description,
      choices,
      minimum: chosenBound(leaf.minimum),
      maximum: chosenBound(leaf.maximum),
    };
  });

/** Every field of the configuration, in the schema's order. */
export const FIELDS = fieldsBelow(node.parse(z.toJSONSchema(configuration, { io: 'input' })).properties, '');

export const FIELD_OF_PATH: ReadonlyMap<string, Field> = new Map(FIELDS.map((field) => [field.path, field]));

export const FIELD_OF_VARIABLE: ReadonlyMap<string, Field> = new Map(
  FIELDS.map((field) => [field.variable, field]),
);

/** The objects that hold fields, as in network; none holds another. */
export const SECTIONS: ReadonlySet<string> = new Set(
  FIELDS.flatMap(({ path }) => (path.includes('.') ? path.slice(0, path.indexOf('.')) : [])),
);
