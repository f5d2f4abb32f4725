import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { type Definition, definitionSchema } from '../../stacks/learning/pipeline-schema.ts';
import { readConfiguration, synthesizeStack } from '../terraform/synth.ts';
import type { PipelineKey } from './definition.ts';

interface NamedDefinition {
  readonly pipeline: string;
  readonly definition: Definition;
}

/** @throws Error that names every invalid field */
const parse = (text: string, place: string): Definition => {
  try {
    return definitionSchema.parse(JSON.parse(text));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new Error(`${place} is not a pipeline definition that can be run here.\n${reason}`, { cause });
  }
};

/** @throws Error if the file cannot be read or is not a definition */
export const definitionFromFile = async (file: string): Promise<NamedDefinition> => {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`The definition ${file} cannot be read.`, { cause });
  });
  return { pipeline: path.parse(file).name, definition: parse(text, file) };
};

const pipelineResource = z.object({ pipeline_name: z.string(), pipeline_definition: z.string() });

/**
 * The definition that Terraform would pass to SageMaker: `aws_sagemaker_pipeline.learning-pipeline-<key>`.
 *
 * @param directory a temporary folder for the Terraform
 */
export const definitionFromTerraform = async (
  key: PipelineKey,
  directory: string,
): Promise<NamedDefinition> => {
  const address = `learning-pipeline-${key}`;
  try {
    await mkdir(directory, { recursive: true });
    const { resource } = synthesizeStack(readConfiguration(), directory).json;
    const found = resource['aws_sagemaker_pipeline']?.[address];
    if (!found) throw new Error(`The Terraform has no aws_sagemaker_pipeline.${address}.`);
    const { pipeline_name, pipeline_definition } = pipelineResource.parse(found);
    return {
      pipeline: pipeline_name,
      definition: parse(pipeline_definition, `aws_sagemaker_pipeline.${address}`),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
