import { pino } from 'pino';
import { tinyEndpoint } from '../services/endpoint/tiny-endpoint.ts';
import { startServer } from '../services/http/server.ts';
import { createWasApp } from '../services/was/app.ts';
import { createSageMakerClassifier } from '../services/was/classifier.ts';
import { PhotoClassifier } from '../services/was/photo-classifier.ts';
import { RuntimeClient } from '../services/was/runtime-client.ts';
import { createWebApp } from '../services/web/app.ts';

const log = pino({ level: 'silent' });

const serve = (fetch: (request: Request) => Response | Promise<Response>, port = 0) =>
  startServer({ fetch, port, hostname: '127.0.0.1', log });

/** The three services on real sockets in one process, with a tiny model. */
export const startSystem = async () => {
  const { fetch } = await tinyEndpoint();
  let endpoint = await serve(fetch);
  const client = new RuntimeClient({
    endpoint: endpoint.url,
    region: 'ap-northeast-2',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 2,
  });
  const endpointName = 'image-classifier';
  const classifier = createSageMakerClassifier({ client, endpointName, timeoutMs: 20_000 });
  const was = await serve(createWasApp({ log, photos: new PhotoClassifier({ classifier }) }).fetch);
  const app = createWebApp({ log, wasUrl: was.url, version: 'test' });
  const web = await serve(app.fetch);
  return {
    app,
    web: web.url,
    was: was.url,
    stopEndpoint: () => endpoint.stop(0),
    /** On the same port as before. */
    restartEndpoint: async () => {
      endpoint = await serve(fetch, Number(new URL(endpoint.url).port));
    },
    stop: () => Promise.all([web, was, endpoint].map((server) => server.stop(0))),
  };
};
