import { z } from 'zod';
import type { Terraform } from './terraform.ts';

const service = z.object({ cluster: z.string(), service: z.string(), task_definition: z.string() });

const outputs = z.object({
  url: z.object({ value: z.string() }),
  services: z.object({ value: z.object({ web: service, was: service }) }),
});

/** What the deployed stack tells about itself. */
export const readOutputs = async (terraform: Terraform) => {
  const { url, services } = outputs.parse(JSON.parse(await terraform.run('output', '-json')));
  return { url: url.value, services: services.value };
};
