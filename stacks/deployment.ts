import { arnsOf } from './arns.ts';
import type { Configuration } from './config/schema.ts';
import { namesOf } from './names.ts';

/** What every part of the cloud needs to know about the deployment that it belongs to. */
export const deploymentOf = (config: Configuration) => ({
  config,
  names: namesOf(config),
  arns: arnsOf(config),
});

export type Deployment = Readonly<ReturnType<typeof deploymentOf>>;
