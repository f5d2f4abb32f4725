import { resourceArns } from './arns.ts';
import type { Configuration } from './config/schema.ts';
import { resourceNames } from './names.ts';

/** Where a deployment is, and the names and ARNs that follow from it. Settings reach each construct by its own props. */
export const createDeployment = (config: Configuration) => ({
  region: config.region,
  account: config.account,
  names: resourceNames(config),
  arns: resourceArns(config),
});

export type Deployment = Readonly<ReturnType<typeof createDeployment>>;
