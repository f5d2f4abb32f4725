import { z } from 'zod';
import { AwsError, operation } from '../../../../scripts/aws-double/protocol.ts';
import type { MotoHandler } from './overlay.ts';

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,255}$/);
const create = z.looseObject({
  PipelineName: name,
  PipelineDefinition: z.string().min(1),
  RoleArn: z.string(),
});
const update = z.looseObject({ PipelineName: name, PipelineDefinition: z.string().min(1).optional() });

const step = z.looseObject({
  Name: z.string().regex(/^[A-Za-z0-9\-_]{1,64}$/),
  Type: z.string(),
  Arguments: z.unknown().optional(),
  DependsOn: z.array(z.string()).default([]),
});
const parameter = z.looseObject({
  Name: z.string().regex(/^[A-Za-z0-9\-_]{1,256}$/),
  Type: z.enum(['String', 'Integer', 'Float', 'Boolean']),
});
type Step = z.infer<typeof step>;
const definition = z.looseObject({
  Version: z.literal('2020-12-01'),
  Parameters: z.array(parameter).default([]),
  Steps: z.array(step).min(1),
});
const branches = z.object({ IfSteps: z.array(step).default([]), ElseSteps: z.array(step).default([]) });

const unparsable = (why: string) =>
  new AwsError('ValidationException', `Unable to parse pipeline definition. ${why}`);

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw unparsable('It is not valid JSON.');
  }
};

/** The steps, with those of a condition's branches. */
const flatten = (steps: readonly Step[]): readonly Step[] =>
  steps.flatMap((one) => {
    const inner = one.Type === 'Condition' ? branches.safeParse(one.Arguments).data : undefined;
    return inner ? [one, ...flatten(inner.IfSteps), ...flatten(inner.ElseSteps)] : [one];
  });

/** Every `{"Get": "..."}` in a value. */
const references = (value: unknown): readonly string[] => {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'Get' && typeof inner === 'string' ? [inner] : references(inner),
  );
};

/** Checks as SageMaker does when it takes a definition: its shape, unique names, references that lead somewhere. */
const check = (text: string): void => {
  const { data, error } = definition.safeParse(parse(text));
  if (error) throw unparsable(z.prettifyError(error));
  const steps = flatten(data.Steps);
  const names = new Set(steps.map(({ Name }) => Name));
  const parameters = new Set(data.Parameters.map(({ Name }) => Name));
  if (names.size < steps.length) throw unparsable('Step names must be unique.');
  if (parameters.size < data.Parameters.length) throw unparsable('Parameter names must be unique.');
  for (const { Name, DependsOn } of steps)
    for (const other of DependsOn)
      if (!names.has(other)) throw unparsable(`Step ${Name} depends on ${other}, which does not exist.`);
  for (const reference of references(data)) {
    const [kind, target = ''] = reference.split(/[.[]/);
    const known =
      (kind === 'Parameters' && parameters.has(target)) ||
      (kind === 'Steps' && names.has(target)) ||
      kind === 'Execution';
    if (!known) throw unparsable(`${reference} refers to nothing.`);
  }
};

/** Moto takes any text for a pipeline's definition. */
export const sageMakerPipelines: Readonly<Record<string, MotoHandler>> = {
  CreatePipeline: operation(create, (input, { send }) => {
    check(input.PipelineDefinition);
    return send('CreatePipeline', input);
  }),
  UpdatePipeline: operation(update, (input, { send }) => {
    if (input.PipelineDefinition !== undefined) check(input.PipelineDefinition);
    return send('UpdatePipeline', input);
  }),
};
