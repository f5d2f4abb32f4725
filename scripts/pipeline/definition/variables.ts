import { z } from 'zod';
import { type PipelineVariable, pipelineVariable } from '../../../stacks/learning/pipeline-schema.ts';
import { propertyAt } from './property.ts';

const scalar = z.union([z.string(), z.number(), z.boolean()]);

/** What a variable can stand for. */
export type Scalar = z.infer<typeof scalar>;

/** What later steps can read of a step that has succeeded; JSON throughout. */
export const stepOutputSchema = z.object({
  /** The fields of its Describe answer. Lists of named things are objects here, by those names. */
  properties: z.record(z.string(), z.unknown()),
  /** Content of its property files, by their names. */
  propertyFiles: z.record(z.string(), z.unknown()),
});

export type StepOutput = z.infer<typeof stepOutputSchema>;

/** What variables refer to. */
export interface Scope {
  readonly parameters: ReadonlyMap<string, Scalar>;
  readonly execution: Readonly<Record<'PipelineExecutionId' | 'PipelineExecutionArn', string>>;
  readonly outputs: ReadonlyMap<string, StepOutput>;
}

const STEP = /^Steps\.([^.[]+)\.(.+)$/;
const PROPERTY_FILES = 'PropertyFiles.';

/** The step that a `Get` refers to, and what of it; undefined when it refers to no step. */
export const stepOf = (reference: string): { step: string; path: string } | undefined => {
  const [, step, path] = STEP.exec(reference) ?? [];
  return step !== undefined && path !== undefined ? { step, path } : undefined;
};

const outputOf = (reference: string, { outputs }: Scope) => {
  const found = stepOf(reference);
  const output = found && outputs.get(found.step);
  if (!output) throw new Error(`${reference} cannot be read: that step has not succeeded.`);
  return { ...found, output };
};

const asScalar = (value: unknown, reference: string): Scalar => {
  const parsed = scalar.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(`${reference} is neither a text, a number nor a truth value.`);
};

const get = (reference: string, scope: Scope): Scalar => {
  if (reference === 'Execution.PipelineExecutionId') return scope.execution.PipelineExecutionId;
  if (reference === 'Execution.PipelineExecutionArn') return scope.execution.PipelineExecutionArn;
  if (reference.startsWith('Parameters.')) {
    const value = scope.parameters.get(reference.slice('Parameters.'.length));
    if (value === undefined) throw new Error(`${reference} cannot be read: there is no such parameter.`);
    return value;
  }
  const { step, path, output } = outputOf(reference, scope);
  return asScalar(propertyAt(output.properties, path, `The step ${step}`), reference);
};

const jsonGet = (propertyFile: string, path: string, scope: Scope): Scalar => {
  const { step, path: file, output } = outputOf(propertyFile, scope);
  const name = file.startsWith(PROPERTY_FILES) ? file.slice(PROPERTY_FILES.length) : file;
  if (!Object.hasOwn(output.propertyFiles, name))
    throw new Error(`${propertyFile} cannot be read: the step ${step} declares no such file.`);
  const what = `The property file ${name} of the step ${step}`;
  return asScalar(propertyAt(output.propertyFiles[name], path, what), `${what} at ${path}`);
};

const evaluate = (variable: PipelineVariable, scope: Scope): Scalar => {
  if ('Get' in variable) return get(variable.Get, scope);
  if ('Std:JsonGet' in variable) {
    const { PropertyFile, Path } = variable['Std:JsonGet'];
    return jsonGet(PropertyFile.Get, Path, scope);
  }
  const { On, Values } = variable['Std:Join'];
  return Values.map((value) => String(typeof value === 'object' ? evaluate(value, scope) : value)).join(On);
};

/**
 * A value with what its variables stand for in their place.
 *
 * @throws Error when one refers to nothing
 */
export const resolve = (value: unknown, scope: Scope): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => resolve(item, scope));
  const variable = pipelineVariable.safeParse(value);
  if (variable.success) return evaluate(variable.data, scope);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item, scope)]));
};
