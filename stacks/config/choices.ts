import { z } from 'zod';
import { FIELD_OF_PATH, FIELD_OF_VARIABLE, FIELDS, type Field, SECTIONS, VARIABLE_PREFIX } from './fields.ts';
import { nearest } from './spelling.ts';

/** A value for a field, and where it was chosen: a variable's name, or a place in cdktf.json. */
export interface Choice {
  readonly value: unknown;
  readonly place: string;
}

/** What one layer chooses: by the fields' paths. */
export interface Choices {
  readonly chosen: ReadonlyMap<string, Choice>;
  readonly problems: readonly string[];
}

const fieldsObject = z.record(z.string(), z.unknown());

const didYouMean = (word: string, known: Iterable<string>): string => {
  const other = nearest(word, [...known]);
  return other === undefined ? '' : `, did you mean ${other}?`;
};

/** An object with the first field of a section; the environment is no part of a layer. */
const exampleOf = (section: string): string => {
  const start = section && `${section}.`;
  const field = FIELDS.find(({ path }) => path !== 'environment' && path.startsWith(start));
  return field ? JSON.stringify({ [field.path.slice(start.length)]: field.default }) : '{}';
};

/**
 * Reads an object of the configuration's shape, of which anything may be left out.
 *
 * @param placeOf where a field of this layer stands, from its path
 */
export const choicesOfObject = (layer: unknown, placeOf: (path: string) => string): Choices => {
  const chosen = new Map<string, Choice>();
  const problems: string[] = [];
  const visit = (value: unknown, parent: string): void => {
    const object = fieldsObject.safeParse(value);
    if (!object.success) {
      problems.push(
        `${placeOf(parent)} is ${JSON.stringify(value)}: give an object of fields, such as ${exampleOf(parent)}`,
      );
      return;
    }
    for (const [name, inner] of Object.entries(object.data)) {
      const path = parent ? `${parent}.${name}` : name;
      if (FIELD_OF_PATH.has(path)) chosen.set(path, { value: inner, place: placeOf(path) });
      else if (SECTIONS.has(path)) visit(inner, path);
      else
        problems.push(
          `${path} (${placeOf(path)}) is no field${didYouMean(path, [...FIELD_OF_PATH.keys(), ...(parent ? [] : SECTIONS)])}`,
        );
    }
  };
  visit(layer, '');
  return { chosen, problems };
};

/** The value that a variable's text stands for. A text of another type stays one: the schema knows what to say. */
const valueOfText = (text: string, { type }: Field): unknown => {
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

/**
 * Reads the variables whose names begin with BLOOMSTACK_. One that is set but empty counts as not set, as in a
 * shell's `${X:-default}`.
 */
export const choicesOfVariables = (env: NodeJS.ProcessEnv): Choices => {
  const chosen = new Map<string, Choice>();
  const problems: string[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(VARIABLE_PREFIX) || text === undefined) continue;
    const field = FIELD_OF_VARIABLE.get(name);
    if (!field)
      problems.push(
        `${name} is no variable of the configuration${didYouMean(name, FIELD_OF_VARIABLE.keys())}`,
      );
    else if (text !== '') chosen.set(field.path, { value: valueOfText(text, field), place: name });
  }
  return { chosen, problems };
};
