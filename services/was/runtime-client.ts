import {
  InvokeEndpointCommand,
  type InvokeEndpointCommandInput,
  SageMakerRuntimeClient,
  type SageMakerRuntimeClientConfig,
} from '@aws-sdk/client-sagemaker-runtime';

/** Middleware that only writes logs or unused headers. The user agent is set directly instead of being computed. */
const UNUSED = ['loggerMiddleware', 'recursionDetectionMiddleware', 'getUserAgentMiddleware'];
const USER_AGENT = 'bloomstack-was';

/**
 * The SDK's client for endpoints, faster per call: its middleware stack is resolved once. The SDK caches it only for
 * calls without options, so the abort signal is looked up by the call's body instead.
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
      // The signature does not cover this header.
      request.headers['user-agent'] = USER_AGENT;
      const abortSignal = this.#signals.get(request.body);
      return handle(request, { ...options, ...(abortSignal && { abortSignal }) });
    };
  }

  /** @throws Error if neither the configuration nor the environment sets a region */
  async checkRegion(): Promise<void> {
    await this.#client.config.region();
  }

  /**
   * @param signal aborts the call, also between two attempts
   * @returns the body of the answer
   * @throws SageMakerRuntimeServiceException, Error `AbortError`, or a network error
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
