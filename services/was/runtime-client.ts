import {
  InvokeEndpointCommand,
  type InvokeEndpointCommandInput,
  SageMakerRuntimeClient,
  type SageMakerRuntimeClientConfig,
} from '@aws-sdk/client-sagemaker-runtime';

/** What only writes logs, or headers that nobody reads; a user agent is set once instead of being put together. */
const UNUSED = ['loggerMiddleware', 'recursionDetectionMiddleware', 'getUserAgentMiddleware'];
const USER_AGENT = 'bloomstack-was';

/**
 * The SDK's client for endpoints, without what it does anew for every call: its middleware is put together once, which
 * it does only for calls without options. So the signal that ends a call is found by the call's body instead.
 *
 * @example
 * const client = new RuntimeClient({ endpoint, region: 'ap-northeast-2', credentials });
 * const body = Buffer.from('{}');
 * const { signal } = new AbortController();
 * const call = client.invoke({ EndpointName: 'nowhere', Body: body }, signal);
 * await call.catch(({ name }) => name); // => 'ValidationError'
 */
export class RuntimeClient {
  readonly #client: SageMakerRuntimeClient;
  readonly #signals = new WeakMap<Uint8Array, AbortSignal>();

  constructor(config: SageMakerRuntimeClientConfig) {
    this.#client = new SageMakerRuntimeClient({ ...config, cacheMiddleware: true });
    for (const name of UNUSED) this.#client.middlewareStack.remove(name);
    const { requestHandler } = this.#client.config;
    const handle = requestHandler.handle.bind(requestHandler);
    requestHandler.handle = (request, options) => {
      // A signature does not cover it.
      request.headers['user-agent'] = USER_AGENT;
      const abortSignal = this.#signals.get(request.body);
      return handle(request, { ...options, ...(abortSignal && { abortSignal }) });
    };
  }

  /** @throws Error when neither the configuration nor the environment sets a region */
  async checkRegion(): Promise<void> {
    await this.#client.config.region();
  }

  /**
   * @param signal ends the call, also between two attempts
   * @returns the body of the answer
   * @throws SageMakerRuntimeServiceException, or Error `AbortError`, or what the network says
   */
  async invoke(
    input: InvokeEndpointCommandInput & { readonly Body: Uint8Array },
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    this.#signals.set(input.Body, signal);
    const { Body } = await this.#client.send(new InvokeEndpointCommand(input));
    return Body;
  }
}
