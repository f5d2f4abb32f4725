import type { Configuration, PartialConfiguration } from './schema.ts';

export type Environment = Configuration['environment'];

/**
 * What an environment chooses where it differs from the schema's defaults. Those are for dev: cheap, and quick to
 * take down again. prod pays for outliving the loss of a zone, and for not being deleted by mistake.
 */
export const ENVIRONMENT_DEFAULTS: Readonly<Record<Environment, PartialConfiguration>> = {
  dev: {},
  prod: {
    deletionProtection: true,
    // With one gateway, its zone's failure would cut off the services in the other zones too.
    network: { nat: 'per-zone' },
    // SageMaker spreads machines over zones from two on; the maximum leaves the same room above it as in dev.
    learning: { endpointMinInstances: 2, endpointMaxInstances: 4 },
    // Long enough to look into what somebody reports about the last quarter.
    observability: { logRetentionDays: 90 },
  },
};
