import { z } from 'zod';
import { ENDPOINT, WAS } from '../contract.ts';
import { createLog } from '../http/app.ts';
import { readEnvironment, serverEnvironment } from '../http/environment.ts';
import { startMetrics } from '../http/metrics.ts';
import { runService, startServer } from '../http/server.ts';
import { Shedding } from '../http/shedding.ts';
import { createWasApp, refuseEarly } from './app.ts';
import { createSageMakerClassifier } from './classifier.ts';
import { PhotoClassifier } from './photo-classifier.ts';
import { RuntimeClient } from './runtime-client.ts';

const environment = serverEnvironment({ defaultPort: WAS.port }).extend({
  /** The SageMaker endpoint to invoke. */
  ENDPOINT_NAME: z.string().min(1).default(ENDPOINT.name),
  /** Timeout of the endpoint, retries included, in milliseconds; after it, the client gets a 503. */
  ENDPOINT_TIMEOUT_MS: z.coerce.number().int().positive().default(1500),
});

/** One client for the life of the process, so that connections are reused. */
const createClient = () => new RuntimeClient({ maxAttempts: 2, requestHandler: { connectionTimeout: 500 } });

await runService({
  name: 'The application service (was)',
  start: async () => {
    const settings = readEnvironment(environment);
    const { PORT, HOST, LOG_LEVEL, ENDPOINT_NAME, ENDPOINT_TIMEOUT_MS } = settings;
    const log = createLog({ service: WAS.name, level: LOG_LEVEL });
    const metrics = await startMetrics(settings, { service: WAS.name, log });
    const client = createClient();
    await client.checkRegion().catch((error: unknown) => {
      throw new Error('No AWS region is set. Set AWS_REGION, for example AWS_REGION=ap-northeast-2.', {
        cause: error,
      });
    });
    const classifier = createSageMakerClassifier({
      client,
      endpointName: ENDPOINT_NAME,
      timeoutMs: ENDPOINT_TIMEOUT_MS,
    });
    const photos = new PhotoClassifier({ classifier });
    const { fetch } = createWasApp({ log, metrics, photos });
    const shedding = new Shedding({ check: refuseEarly(photos), log, metrics });
    return startServer({ fetch, port: PORT, hostname: HOST, log, shedding });
  },
});
