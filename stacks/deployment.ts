import { resourceArns } from './arns.ts';
import type { Configuration } from './config/schema.ts';
import { resourceNames } from './names.ts';

/** What every part of the cloud needs to know about the deployment that it belongs to. */
export const createDeployment = (config: Configuration) => ({
  config,
  names: resourceNames(config),
  arns: resourceArns(config),
});

export type Deployment = Readonly<ReturnType<typeof createDeployment>>;
