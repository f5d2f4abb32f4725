import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { z } from 'zod';
import { ENDPOINT, WAS } from '../contract/services.ts';
import { readEnvironment, serverEnvironment } from '../http/environment.ts';
import { createLog } from '../http/log.ts';
import { runService } from '../http/main.ts';
import { startServer } from '../http/server.ts';
import { createWasApp } from './app.ts';
import { sageMakerClassifier } from './classifier.ts';

const environment = serverEnvironment(WAS.port).extend({
  /** The SageMaker endpoint to ask. */
  ENDPOINT_NAME: z.string().min(1).default(ENDPOINT.name),
  /** Milliseconds that an answer of the endpoint may take, retries included; then the client gets a 503. */
  ENDPOINT_TIMEOUT_MS: z.coerce.number().int().positive().default(1500),
});

/** One client for the life of the process: connections are kept and reused. */
const createClient = () =>
  new SageMakerRuntimeClient({ maxAttempts: 2, requestHandler: { connectionTimeout: 500 } });

await runService('The application service (was)', async () => {
  const { PORT, HOST, LOG_LEVEL, ENDPOINT_NAME, ENDPOINT_TIMEOUT_MS } = readEnvironment(environment);
  const log = createLog(WAS.name, LOG_LEVEL);
  const client = createClient();
  await client.config.region().catch((error: unknown) => {
    throw new Error('No AWS region is set. Set AWS_REGION, for example AWS_REGION=ap-northeast-2.', {
      cause: error,
    });
  });
  const classifier = sageMakerClassifier({
    client,
    endpointName: ENDPOINT_NAME,
    timeoutMilliseconds: ENDPOINT_TIMEOUT_MS,
  });
  const app = createWasApp({ log, classifier });
  return startServer({ fetch: app.fetch, port: PORT, hostname: HOST, log });
});
