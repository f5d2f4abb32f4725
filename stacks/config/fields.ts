import { z } from 'zod';
import { configuration } from './schema.ts';

/** A single value of the configuration. */
export interface Field {
  /** For example network.cidr. */
  readonly path: string;
  /** The environment variable that sets it, for example BLOOMSTACK_NETWORK_CIDR. */
  readonly variable: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'array';
  readonly default: unknown;
  readonly description: string;
  /** The allowed values; empty if any string is allowed. */
  readonly choices: readonly string[];
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
}

export const VARIABLE_PREFIX = 'BLOOMSTACK_';

/** The part of JSON Schema that the configuration uses. Anything else is an error rather than being misread. */
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

/** JSON Schema bounds every integer to JavaScript's safe range; that is not one of our rules. */
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

/** The objects that contain fields, for example network. They are not nested. */
export const SECTIONS: ReadonlySet<string> = new Set(
  FIELDS.flatMap(({ path }) => (path.includes('.') ? path.slice(0, path.indexOf('.')) : [])),
);
