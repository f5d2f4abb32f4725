import { z } from 'zod';
import { AwsError, invalid } from './aws-error.ts';
import { EndpointConfigs } from './endpoint-configs.ts';
import { Endpoints } from './endpoints.ts';
import { invoke } from './inference.ts';
import { Models } from './models.ts';
import { deedsOf, isChange, type Operation } from './operations.ts';
import { type AllowStatement, demandRight, EVERYTHING } from './rights.ts';
import { Scaling } from './scaling.ts';

export interface Call {
  readonly operation: Operation;
  readonly input: unknown;
}

interface Disturbance {
  readonly left: number;
  readonly error: AwsError;
}

const THROTTLED = new AwsError('ThrottlingException', 'Rate exceeded');

export interface ControlPlaneOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** What the caller may do. @default everything */
  readonly statements?: readonly AllowStatement[];
}

/**
 * SageMaker's endpoints with their autoscaling and their answers, in memory: it keeps what is made, takes the time that
 * SageMaker takes, and refuses what SageMaker refuses in SageMaker's words.
 */
export class ControlPlane {
  readonly models = new Models();
  readonly scaling = new Scaling();
  readonly configs: EndpointConfigs;
  readonly endpoints: Endpoints;
  /** Every call that was carried out, the first first. */
  readonly calls: Call[] = [];
  /** Called when a call was carried out, before it is answered; an error that it throws is the answer. */
  whenDone: (operation: Operation) => void = () => undefined;
  readonly #statements: readonly AllowStatement[];
  readonly #disturbances = new Map<Operation, Disturbance>();
  #throttled = 0;
  #handlers: Readonly<Record<Operation, (input: unknown) => object | string>>;

  constructor({ now, statements = EVERYTHING }: ControlPlaneOptions) {
    const { models, scaling } = this;
    const configs = new EndpointConfigs(models, now);
    const endpoints = new Endpoints({ models, configs, scaling, now });
    this.configs = configs;
    this.endpoints = endpoints;
    this.#statements = statements;
    this.#handlers = {
      CreateModel: models.create,
      DescribeModel: models.describe,
      CreateEndpointConfig: configs.create,
      DescribeEndpointConfig: configs.describe,
      ListEndpointConfigs: configs.list,
      DeleteEndpointConfig: configs.delete,
      CreateEndpoint: endpoints.create,
      UpdateEndpoint: endpoints.update,
      DescribeEndpoint: endpoints.describe,
      DeleteEndpoint: endpoints.delete,
      AddTags: endpoints.addTags,
      ListTags: endpoints.listTags,
      InvokeEndpoint: (input) => invoke(endpoints, models, input),
      RegisterScalableTarget: scaling.register,
      DeregisterScalableTarget: scaling.deregister,
      PutScalingPolicy: scaling.putPolicy,
      DeleteScalingPolicy: scaling.deletePolicy,
      DescribeScalableTargets: scaling.describeTargets,
      DescribeScalingPolicies: scaling.describePolicies,
    };
  }

  /** The calls that have changed something, in order. */
  get changes(): Operation[] {
    return this.calls.map(({ operation }) => operation).filter(isChange);
  }

  /** The requests of an operation that were carried out. */
  inputs(operation: Operation): unknown[] {
    return this.calls.filter((call) => call.operation === operation).map(({ input }) => input);
  }

  /** Answers the first few calls of every operation with ThrottlingException. */
  throttle(times: number): void {
    this.#throttled = times;
  }

  /** Answers the first few calls of an operation with an error. */
  disturb(operation: Operation, times: number, error: AwsError = THROTTLED): void {
    this.#disturbances.set(operation, { left: times, error });
  }

  /**
   * Carries out a call.
   *
   * @returns what goes into the answer; a text goes as it is
   * @throws AwsError
   */
  perform(operation: Operation, input: unknown): object | string {
    const { left, error } = this.#disturbances.get(operation) ?? { left: this.#throttled, error: THROTTLED };
    this.#disturbances.set(operation, { left: left - 1, error });
    if (left > 0) throw error;
    for (const deed of deedsOf(operation, input)) demandRight(this.#statements, deed);
    try {
      const answer = this.#handlers[operation](input);
      this.calls.push({ operation, input });
      this.whenDone(operation);
      return answer;
    } catch (problem) {
      if (problem instanceof z.ZodError)
        throw invalid(`1 validation error detected in ${operation}: ${z.prettifyError(problem)}`);
      throw problem;
    }
  }
}
