import { z } from 'zod';
import {
  allSteps,
  type Definition,
  type DefinitionStep,
  type PipelineVariable,
  pipelineVariable,
  referencesIn,
} from '../../stacks/learning/pipeline-schema.ts';

export const PIPELINES = ['train', 'model', 'deploy'] as const;
export type PipelineKey = (typeof PIPELINES)[number];

/** `a`, `.b`, `[0]` and `['c d']`, the segments of a path. */
const SEGMENT = /\.?([^.[\]]+)|\[(\d+)\]|\['([^']+)'\]/y;

/** @throws Error when the path is not written as SageMaker writes them */
const segmentsOf = (path: string): string[] => {
  const segments: string[] = [];
  SEGMENT.lastIndex = 0;
  while (SEGMENT.lastIndex < path.length) {
    const at = SEGMENT.lastIndex;
    const [, name, index, key] = SEGMENT.exec(path) ?? [];
    const segment = name ?? index ?? key;
    if (segment === undefined)
      throw new Error(`The path ${path} cannot be read from its character ${at + 1} on.`);
    segments.push(segment);
  }
  return segments;
};

const has = (value: unknown, key: string): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key);

/** Fields that name the items of SageMaker's lists, as in `FinalMetricDataList['validation:accuracy']`. */
const NAMES = ['MetricName', 'OutputName', 'InputName', 'ChannelName', 'Name', 'Key'];
const isCalled = (item: unknown, name: string): boolean =>
  NAMES.some((field) => has(item, field) && item[field] === name);

/**
 * The value at a path such as `ModelArtifacts.S3ModelArtifacts` or `Outputs['evaluation'].S3Output.S3Uri`.
 *
 * @param name what `root` is, for the message
 * @throws Error when there is nothing there
 */
export const propertyAt = (root: unknown, path: string, name: string): unknown => {
  let value = root;
  for (const segment of segmentsOf(path)) {
    const named: unknown = Array.isArray(value) ? value.find((item) => isCalled(item, segment)) : undefined;
    if (named === undefined && !has(value, segment)) throw new Error(`${name} has nothing at ${path}.`);
    value = has(value, segment) ? value[segment] : named;
  }
  return value;
};

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
const stepOf = (reference: string): { step: string; path: string } | undefined => {
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

/** The steps that must have succeeded before a step can run: those that it names, and those that it reads. */
export const dependenciesOf = (step: DefinitionStep): ReadonlySet<string> => {
  const own = step.Type === 'Condition' ? step.Arguments.Conditions : step.Arguments;
  const read = referencesIn(own).flatMap((reference) => stepOf(reference)?.step ?? []);
  return new Set([...(step.DependsOn ?? []), ...read]);
};

const checkSteps = (steps: readonly DefinitionStep[], outside: ReadonlySet<string>): void => {
  const known = new Set([...outside, ...steps.map(({ Name }) => Name)]);
  for (const step of steps)
    for (const name of dependenciesOf(step))
      if (!known.has(name))
        throw new Error(
          `The step ${step.Name} refers to ${name}, which is not a step that can run before it.`,
        );
  const order = new Map(steps.map((step) => [step.Name, dependenciesOf(step)]));
  const done = new Set(outside);
  while (order.size > 0) {
    const ready = [...order].filter(([, names]) => [...names].every((name) => done.has(name)));
    if (ready.length === 0)
      throw new Error(`The steps ${[...order.keys()].join(', ')} wait for one another.`);
    for (const [name] of ready) {
      order.delete(name);
      done.add(name);
    }
  }
  for (const step of steps)
    if (step.Type === 'Condition') {
      const { IfSteps, ElseSteps } = step.Arguments;
      for (const branch of [IfSteps, ElseSteps]) checkSteps(branch, known);
    }
};

/**
 * Checks what the schema of a definition does not: that names are used once, and that every step can run.
 *
 * @throws Error that names the steps
 */
export const checkDefinition = (definition: Definition): void => {
  const names = allSteps(definition).map(({ Name }) => Name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`Two steps have the name ${twice}.`);
  checkSteps(definition.Steps, new Set());
};

type Condition = Extract<DefinitionStep, { Type: 'Condition' }>['Arguments']['Conditions'][number];

const side = (value: unknown, scope: Scope): number => {
  const parsed = z.number().safeParse(resolve(value, scope));
  if (parsed.success) return parsed.data;
  throw new Error(`${JSON.stringify(value)} is not a number and cannot be compared.`);
};

/** Whether all conditions hold. */
export const holds = (conditions: readonly Condition[], scope: Scope): boolean =>
  conditions.every(({ LeftValue, RightValue }) => side(LeftValue, scope) >= side(RightValue, scope));
