import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { pino } from 'pino';
import { tinyEndpoint } from '../../services/endpoint/tiny-endpoint.ts';
import { type RunningServer, startServer } from '../../services/http/server.ts';
import { createWasApp } from '../../services/was/app.ts';
import { createSageMakerClassifier } from '../../services/was/classifier.ts';
import { createWebApp } from '../../services/web/app.ts';

const log = pino({ level: 'silent' });

const serve = (fetch: (request: Request) => Response | Promise<Response>, port = 0) =>
  startServer({ fetch, port, hostname: '127.0.0.1', log });

/** The three services on real sockets in one process, around a tiny model. */
export class TestSystem {
  readonly web: RunningServer;
  readonly was: RunningServer;
  #endpoint: RunningServer;
  readonly #endpointApp: Awaited<ReturnType<typeof tinyEndpoint>>;

  private constructor(
    web: RunningServer,
    was: RunningServer,
    endpoint: RunningServer,
    endpointApp: Awaited<ReturnType<typeof tinyEndpoint>>,
  ) {
    this.web = web;
    this.was = was;
    this.#endpoint = endpoint;
    this.#endpointApp = endpointApp;
  }

  static async start(): Promise<TestSystem> {
    const endpointApp = await tinyEndpoint();
    const endpoint = await serve(endpointApp.fetch);
    const client = new SageMakerRuntimeClient({
      endpoint: endpoint.url,
      region: 'ap-northeast-2',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 2,
    });
    const classifier = createSageMakerClassifier({
      client,
      endpointName: 'image-classifier',
      timeoutMs: 20_000,
    });
    const was = await serve(createWasApp({ log, classifier }).fetch);
    const web = await serve(createWebApp({ log, wasUrl: was.url, version: 'test' }).fetch);
    return new TestSystem(web, was, endpoint, endpointApp);
  }

  stopEndpoint(): Promise<void> {
    return this.#endpoint.stop(0);
  }

  /** On the same port as before. */
  async restartEndpoint(): Promise<void> {
    this.#endpoint = await serve(this.#endpointApp.fetch, Number(new URL(this.#endpoint.url).port));
  }

  async stop(): Promise<void> {
    await Promise.all([this.web, this.was, this.#endpoint].map((server) => server.stop(0)));
  }
}
