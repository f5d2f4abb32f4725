import { z } from 'zod';
import {
  type Definition,
  type DefinitionStep,
  pipelineVariable,
  referencesIn,
} from '../../stacks/learning/pipeline-schema.ts';

export const PIPELINES = ['train', 'model', 'deploy'] as const;
export type PipelineKey = (typeof PIPELINES)[number];

const scalar = z.union([z.string(), z.number(), z.boolean()]);

/** The value of a variable. */
export type Scalar = z.infer<typeof scalar>;

/**
 * What later steps can read from a step that succeeded, as JSON: the fields of its Describe response, and the content
 * of its property files under `PropertyFiles`.
 */
export const stepOutputSchema = z.record(z.string(), z.unknown());
export type StepOutput = z.infer<typeof stepOutputSchema>;

/** The values that variables can refer to. */
export interface Scope {
  readonly Parameters: Readonly<Record<string, Scalar>>;
  readonly Execution: Readonly<Record<'PipelineExecutionId' | 'PipelineExecutionArn', string>>;
  readonly Steps: Readonly<Record<string, StepOutput>>;
}

const has = (value: unknown, key: string): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key);

/** Fields that identify items of SageMaker's lists, as in `FinalMetricDataList['validation:accuracy']`. */
const NAMES = ['MetricName', 'OutputName', 'InputName', 'ChannelName', 'Name', 'Key'];

/** The value at a path such as `Steps.Evaluate.Outputs['the report'].S3Output.S3Uri`. */
const valueAt = (scope: Scope, reference: string): Scalar => {
  let value: unknown = scope;
  for (const [segment, quoted = segment] of reference.matchAll(/\['([^']+)'\]|[^.[\]]+/g)) {
    const named: unknown = Array.isArray(value)
      ? value.find((item) => NAMES.some((field) => has(item, field) && item[field] === quoted))
      : undefined;
    value = named ?? (has(value, quoted) ? value[quoted] : undefined);
  }
  const { data } = scalar.safeParse(value);
  if (data !== undefined) return data;
  throw new Error(`${reference} cannot be read: it is not a string, number or boolean.`);
};

/**
 * Replaces the variables in a value with their values.
 *
 * @throws Error if one refers to nothing
 */
export const resolve = (value: unknown, scope: Scope): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => resolve(item, scope));
  const { data: variable } = pipelineVariable.safeParse(value);
  if (!variable)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item, scope)]));
  if ('Get' in variable) return valueAt(scope, variable.Get);
  if ('Std:JsonGet' in variable) {
    const { PropertyFile, Path } = variable['Std:JsonGet'];
    return valueAt(scope, `${PropertyFile.Get}.${Path}`);
  }
  const { On, Values } = variable['Std:Join'];
  return Values.map((each) => String(resolve(each, scope))).join(On);
};

/** The steps that must have succeeded before a step can run: those in its `DependsOn`, and those that it reads from. */
export const dependenciesOf = (step: DefinitionStep): ReadonlySet<string> => {
  const own = step.Type === 'Condition' ? step.Arguments.Conditions : step.Arguments;
  const read = referencesIn(own).flatMap((reference) => /^Steps\.([^.[]+)/.exec(reference)?.[1] ?? []);
  return new Set([...(step.DependsOn ?? []), ...read]);
};

/**
 * Checks what the schema of a definition cannot: that names are unique, and that steps refer to earlier ones.
 *
 * @throws Error that names the step
 */
export const checkSteps = (steps: Definition['Steps'], before: Iterable<string> = []): void => {
  const known = new Set(before);
  for (const step of steps) {
    if (known.has(step.Name)) throw new Error(`Two steps have the name ${step.Name}.`);
    const unknown = [...dependenciesOf(step)].find((name) => !known.has(name));
    if (unknown !== undefined)
      throw new Error(`The step ${step.Name} refers to ${unknown}, which is not a step before it.`);
    known.add(step.Name);
    if (step.Type === 'Condition')
      for (const branch of [step.Arguments.IfSteps, step.Arguments.ElseSteps]) checkSteps(branch, known);
  }
};

type Condition = Extract<DefinitionStep, { Type: 'Condition' }>['Arguments']['Conditions'][number];

const side = (value: unknown, scope: Scope): number => {
  const { data } = z.number().safeParse(resolve(value, scope));
  if (data !== undefined) return data;
  throw new Error(`${JSON.stringify(value)} is not a number and cannot be compared.`);
};

export const areMet = (conditions: readonly Condition[], scope: Scope): boolean =>
  conditions.every(({ LeftValue, RightValue }) => side(LeftValue, scope) >= side(RightValue, scope));
