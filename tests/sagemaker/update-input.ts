import { z } from 'zod';

/** UpdateEndpoint's request with the bounds of SageMaker's API reference, as far as blue/green updates go. */

const seconds = z.int().min(0).max(3600);

const routing = z.discriminatedUnion('Type', [
  z.strictObject({ Type: z.literal('ALL_AT_ONCE'), WaitIntervalInSeconds: seconds }),
  z.strictObject({
    Type: z.literal('CANARY'),
    WaitIntervalInSeconds: seconds,
    CanarySize: z.strictObject({ Type: z.literal('INSTANCE_COUNT'), Value: z.int().min(1) }),
  }),
]);

const blueGreen = z
  .strictObject({
    TrafficRoutingConfiguration: routing,
    TerminationWaitInSeconds: seconds,
    MaximumExecutionTimeoutInSeconds: z.int().min(600).max(28_800),
  })
  .refine(
    ({ TrafficRoutingConfiguration, TerminationWaitInSeconds, MaximumExecutionTimeoutInSeconds }) =>
      MaximumExecutionTimeoutInSeconds >
      TrafficRoutingConfiguration.WaitIntervalInSeconds + TerminationWaitInSeconds,
    'MaximumExecutionTimeoutInSeconds must be larger than the waiting times',
  );

const alarms = z
  .array(z.strictObject({ AlarmName: z.string().min(1).max(255) }))
  .min(1)
  .max(10);

export const updateInput = z.strictObject({
  EndpointName: z.string(),
  EndpointConfigName: z.string(),
  RetainAllVariantProperties: z.boolean().default(false),
  DeploymentConfig: z.strictObject({
    BlueGreenUpdatePolicy: blueGreen,
    AutoRollbackConfiguration: z.strictObject({ Alarms: alarms }).optional(),
  }),
});

export type UpdateInput = z.infer<typeof updateInput>;
