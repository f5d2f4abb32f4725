import { z } from 'zod';
import { AwsError, invalid } from './aws-error.ts';

const targetFields = {
  ServiceNamespace: z.literal('sagemaker'),
  ScalableDimension: z.literal('sagemaker:variant:DesiredInstanceCount'),
  ResourceId: z.string().regex(/^endpoint\/[^/]+\/variant\/[^/]+$/),
};
const target = z.strictObject(targetFields);
const registerInput = z.strictObject({
  ...targetFields,
  MinCapacity: z.int().min(0),
  MaxCapacity: z.int().min(0),
});
const policyInput = z.strictObject({
  ...targetFields,
  PolicyName: z.string(),
  PolicyType: z.literal('TargetTrackingScaling'),
  TargetTrackingScalingPolicyConfiguration: z.strictObject({
    PredefinedMetricSpecification: z.strictObject({
      PredefinedMetricType: z.literal('SageMakerVariantInvocationsPerInstance'),
    }),
    TargetValue: z.number().positive(),
    ScaleInCooldown: z.int().min(0),
    ScaleOutCooldown: z.int().min(0),
  }),
});
const describeTargetsInput = z.strictObject({
  ServiceNamespace: targetFields.ServiceNamespace,
  ScalableDimension: targetFields.ScalableDimension,
  ResourceIds: z.array(targetFields.ResourceId),
});

interface Registration {
  readonly target: z.infer<typeof registerInput>;
  readonly policies: Map<string, z.infer<typeof policyInput>>;
}

const notFound = (ResourceId: string): AwsError =>
  new AwsError(
    'ObjectNotFoundException',
    `No scalable target found for service namespace: sagemaker, resource ID: ${ResourceId}, scalable dimension: sagemaker:variant:DesiredInstanceCount`,
  );

/** Application Auto Scaling, for endpoints. */
export class Scaling {
  readonly #registrations = new Map<string, Registration>();
  /** Set by who keeps the endpoints. */
  endpointExists: (name: string) => boolean = () => true;

  has(endpointName: string): boolean {
    return this.of(endpointName) !== undefined;
  }

  /** Bounds and policies of an endpoint. */
  of(endpointName: string) {
    const found = this.#registrations.get(`endpoint/${endpointName}/variant/AllTraffic`);
    if (!found) return undefined;
    const { MinCapacity: min, MaxCapacity: max } = found.target;
    return { min, max, policies: [...found.policies.keys()] };
  }

  drop(endpointName: string): void {
    this.#registrations.delete(`endpoint/${endpointName}/variant/AllTraffic`);
  }

  readonly register = (input: unknown): object => {
    const registered = registerInput.parse(input);
    const [, endpoint = ''] = registered.ResourceId.split('/');
    if (!this.endpointExists(endpoint))
      throw invalid(`There is no endpoint ${endpoint}: ${registered.ResourceId} is not supported.`);
    const policies = this.#registrations.get(registered.ResourceId)?.policies ?? new Map();
    this.#registrations.set(registered.ResourceId, { target: registered, policies });
    return {};
  };

  readonly deregister = (input: unknown): object => {
    const { ResourceId } = target.parse(input);
    if (!this.#registrations.delete(ResourceId)) throw notFound(ResourceId);
    return {};
  };

  readonly putPolicy = (input: unknown): object => {
    const policy = policyInput.parse(input);
    const registration = this.#registrations.get(policy.ResourceId);
    if (!registration) throw notFound(policy.ResourceId);
    registration.policies.set(policy.PolicyName, policy);
    return { PolicyARN: `arn:aws:autoscaling:::scalingPolicy:${policy.PolicyName}`, Alarms: [] };
  };

  readonly deletePolicy = (input: unknown): object => {
    const { ResourceId, PolicyName } = target.extend({ PolicyName: z.string() }).parse(input);
    if (!this.#registrations.get(ResourceId)?.policies.delete(PolicyName)) throw notFound(ResourceId);
    return {};
  };

  readonly describeTargets = (input: unknown): object => {
    const { ResourceIds } = describeTargetsInput.parse(input);
    const ScalableTargets = ResourceIds.flatMap((id) => this.#registrations.get(id)?.target ?? []);
    return { ScalableTargets };
  };

  readonly describePolicies = (input: unknown): object => {
    const { ResourceId } = target.parse(input);
    return { ScalingPolicies: [...(this.#registrations.get(ResourceId)?.policies.values() ?? [])] };
  };
}
