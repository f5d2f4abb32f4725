import { z } from 'zod';

/** Names of steps and parameters. Source: AWS's JSON schema of pipeline definitions. */
export const NAME = /^[A-Za-z0-9\-_]{1,64}$/;

const get = z.strictObject({
  Get: z.union([
    z.templateLiteral(['Parameters.', z.string()]),
    z.templateLiteral(['Steps.', z.string()]),
    z.templateLiteral(['Execution.', z.enum(['PipelineExecutionId', 'PipelineExecutionArn'])]),
  ]),
});

const jsonGet = z.strictObject({
  'Std:JsonGet': z.strictObject({
    PropertyFile: z.strictObject({ Get: z.templateLiteral(['Steps.', z.string()]) }),
    Path: z.string().min(1),
  }),
});

const join = z.strictObject({
  'Std:Join': z.strictObject({
    On: z.string(),
    Values: z.array(z.union([z.string(), z.number(), get, jsonGet])).min(1),
  }),
});

/** What stands for a string or a number that is known only when the pipeline runs. */
export const pipelineVariable = z.union([get, join, jsonGet]);

export type PipelineVariable = z.infer<typeof pipelineVariable>;
type Joined = z.infer<typeof join>['Std:Join']['Values'][number];

/** A field of an earlier step's Describe answer, such as `ModelArtifacts.S3ModelArtifacts`. */
export const property = (step: string, path: string) => ({ Get: `Steps.${step}.${path}` as const });

/** This run of the pipeline. */
export const EXECUTION = {
  id: { Get: 'Execution.PipelineExecutionId' },
  arn: { Get: 'Execution.PipelineExecutionArn' },
} as const;

/** One string of several values; of a single one, its text: what a field that must be a string needs of a number. */
export const joined = (on: string, ...values: readonly Joined[]) => ({
  'Std:Join': { On: on, Values: [...values] },
});

/** A value of the JSON file that an earlier processing step declared under `propertyFile`. */
export const fromFile = (step: string, propertyFile: string, path: string) => ({
  'Std:JsonGet': { PropertyFile: property(step, `PropertyFiles.${propertyFile}`), Path: path },
});
