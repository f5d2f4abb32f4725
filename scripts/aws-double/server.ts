import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { createAutoscaling } from './autoscaling.ts';
import { createEndpointConfigs } from './endpoint-configs.ts';
import { createEndpoints, type ModelHost } from './endpoints.ts';
import {
  ALLOW_EVERYTHING,
  type AllowStatement,
  AwsCaller,
  AwsError,
  arn,
  type LocalServer,
  operation,
  type Place,
  parseJsonBody,
  requestTarget,
  sendJson,
  startLocalServer,
  THIS_MACHINE,
} from './protocol.ts';
import type { ModelRegistry } from './registry.ts';
import { AwsState } from './state.ts';

export interface AwsDoubleOptions {
  readonly host: ModelHost;
  /** @default in memory */
  readonly state?: AwsState;
  /** @default - no model registry */
  readonly registry?: ModelRegistry | undefined;
  /** Milliseconds since 1970. @default the system's clock */
  readonly now?: () => number;
  /** Permissions of the caller. @default everything is allowed */
  readonly statements?: readonly AllowStatement[];
  /** @default this machine */
  readonly place?: Place;
  /** @default 0 */
  readonly deletionSeconds?: number;
}

const THROTTLED = new AwsError('ThrottlingException', 'Rate exceeded');
const INVOCATION = /^\/endpoints\/([^/]+)\/invocations$/;
const invocation = z.strictObject({ EndpointName: z.string(), Body: z.string() });

const allOperations = (
  { configs, endpoints, autoscaling }: AwsDouble,
  { host, place, registry }: Served,
) => ({
  ...registry?.operations,
  ...configs.operations,
  ...endpoints.operations,
  ...autoscaling.operations,
  InvokeEndpoint: operation(invocation, ({ EndpointName: name, Body }, caller: AwsCaller) => {
    caller.assertAllowed('sagemaker:InvokeEndpoint', arn(place, 'sagemaker', `endpoint/${name}`));
    const model = endpoints.answering(name);
    if (model === undefined)
      throw new AwsError('ValidationError', `Endpoint ${name} of account ${place.account} not found.`);
    return host.invoke(model, Body, name);
  }),
});

type Served = Pick<AwsDoubleOptions, 'host' | 'registry'> & { readonly place: Place };
type Operations = ReturnType<typeof allOperations>;
export type Operation = keyof Operations;

/**
 * A double of SageMaker's endpoints, their runtime and Application Auto Scaling, with the operations that the
 * deployment job calls. Its options set what runs the models, the clock, the faults and the permissions.
 */
export class AwsDouble {
  readonly configs: ReturnType<typeof createEndpointConfigs>;
  readonly endpoints: ReturnType<typeof createEndpoints>;
  readonly autoscaling: ReturnType<typeof createAutoscaling>;
  /** Every call that was performed, in order. */
  readonly calls: { readonly operation: Operation; readonly input: unknown }[] = [];
  /** Called after a call was performed, before it is answered; an error that it throws becomes the answer. */
  afterCall: (operation: Operation) => void = () => undefined;
  readonly #operations: Operations;
  readonly #state: AwsState;
  readonly #caller: AwsCaller;
  readonly #faults = new Map<string, { readonly times: number; readonly error: AwsError }>();
  #throttled = 0;

  constructor({
    host,
    registry,
    state = AwsState.inMemory(),
    now = Date.now,
    statements = ALLOW_EVERYTHING,
    place = THIS_MACHINE,
    deletionSeconds = 0,
  }: AwsDoubleOptions) {
    this.#state = state;
    this.#caller = new AwsCaller(statements);
    this.autoscaling = createAutoscaling(state, place);
    this.configs = createEndpointConfigs(state, place, now, host.has);
    const { configs, autoscaling } = this;
    this.endpoints = createEndpoints({ state, place, now, host, configs, autoscaling, deletionSeconds });
    this.#operations = allOperations(this, { host, place, registry });
  }

  /** Answers the first calls of each operation with ThrottlingException. */
  throttle(times: number): void {
    this.#throttled = times;
  }

  /** Answers the next calls of an operation with an error instead of performing them. */
  injectFault(operation: Operation, times: number, error = THROTTLED): void {
    this.#faults.set(operation, { times, error });
  }

  /** Performs a call. @throws AwsError */
  async perform(operation: string, input: unknown): Promise<unknown> {
    const { times, error } = this.#faults.get(operation) ?? { times: this.#throttled, error: THROTTLED };
    this.#faults.set(operation, { times: times - 1, error });
    if (times > 0) throw error;
    const handler = isOperation(operation, this.#operations) && this.#operations[operation];
    if (!handler)
      throw new AwsError(
        'UnknownOperationException',
        `The operation ${operation} is not available on this machine.`,
      );
    const answer = await handler(input, this.#caller);
    if (isChange(operation)) this.#state.save();
    this.calls.push({ operation, input });
    this.afterCall(operation);
    return answer;
  }

  /** Serves the double over HTTP. Signatures are not checked. Stopping it waits for rollouts in progress. */
  async start(): Promise<LocalServer> {
    const server = await startLocalServer(async (request, response) => {
      const body = await text(request);
      const [, EndpointName] = INVOCATION.exec(request.url ?? '') ?? [];
      if (EndpointName !== undefined) {
        const answer = await this.perform('InvokeEndpoint', { EndpointName, Body: body });
        response.setHeader('content-type', 'application/json').end(String(answer));
        return;
      }
      const target = requestTarget(request);
      sendJson(response, await this.perform(target.slice(target.indexOf('.') + 1), parseJsonBody(body)));
    });
    const stop = () => server.stop().then(this.endpoints.settled);
    return { url: server.url, stop };
  }
}

export const isChange = (operation: Operation): boolean => !/^(Describe|List|Invoke)/.test(operation);

const isOperation = (name: string, operations: Operations): name is Operation =>
  Object.hasOwn(operations, name);
