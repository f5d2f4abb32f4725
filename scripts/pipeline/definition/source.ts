import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { type Definition, definitionSchema } from '../../../stacks/learning/pipelines/definition-schema.ts';

export const PIPELINES = ['train', 'model', 'deploy'] as const;
export type PipelineKey = (typeof PIPELINES)[number];

export interface NamedDefinition {
  readonly pipeline: string;
  readonly definition: Definition;
}

/** @throws Error that names every field which is not as a definition's is */
const parse = (text: string, place: string): Definition => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${place} is no JSON. ${String(cause)}`, { cause });
  }
  const { data, error } = definitionSchema.safeParse(json);
  if (data) return data;
  throw new Error(`${place} is no pipeline definition that can be run here.\n${z.prettifyError(error)}`, {
    cause: error,
  });
};

/** @throws Error when the file cannot be read or is no definition */
export const definitionFromFile = async (file: string): Promise<NamedDefinition> => {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`The definition ${file} cannot be read.`, { cause });
  });
  return { pipeline: path.parse(file).name, definition: parse(text, file) };
};

const stackSchema = z.object({
  resource: z.object({
    aws_sagemaker_pipeline: z
      .record(z.string(), z.object({ pipeline_name: z.string(), pipeline_definition: z.string() }))
      .default({}),
  }),
});

/**
 * The very definition that Terraform would give to SageMaker: `aws_sagemaker_pipeline.learning-pipeline-<key>`.
 *
 * @param directory is created for the Terraform, and removed again
 */
export const definitionFromTerraform = async (
  key: PipelineKey,
  directory: string,
  signal?: AbortSignal,
): Promise<NamedDefinition> => {
  // cdktf takes long to load, and a given definition needs none.
  const { readConfiguration, synthesizeStack } = await import('../../terraform/synth.ts');
  let json: unknown;
  try {
    ({ json } = synthesizeStack(readConfiguration(), directory));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  // Writing the Terraform blocks: a signal meanwhile arrives now.
  signal?.throwIfAborted();
  const place = `aws_sagemaker_pipeline.learning-pipeline-${key}`;
  const found = stackSchema.parse(json).resource.aws_sagemaker_pipeline[`learning-pipeline-${key}`];
  if (!found) throw new Error(`The Terraform has no ${place}.`);
  return { pipeline: found.pipeline_name, definition: parse(found.pipeline_definition, place) };
};
