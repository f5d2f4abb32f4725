import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { loadBackend } from '../../model/backend/backend.ts';
import { ENDPOINT } from '../contract/services.ts';
import { readEnvironment, serverEnvironment } from '../http/environment.ts';
import { createLog } from '../http/log.ts';
import { runService } from '../http/main.ts';
import { startServer } from '../http/server.ts';
import { createEndpointApp } from './app.ts';
import { warmUp } from './load-model.ts';
import { ModelStore } from './model-store.ts';
import { ModelWatcher } from './model-watcher.ts';

const DEFAULT_MODEL_DIR = fileURLToPath(new URL('../../model/default', import.meta.url));

const environment = serverEnvironment(ENDPOINT.port).extend({
  /** Folder with `<name>/<version>/saved_model.pb`; versions that are put there later are served as they appear. */
  MODEL_DIR: z.string().default(DEFAULT_MODEL_DIR),
  /** Name under which InvokeEndpoint finds it. */
  ENDPOINT_NAME: z.string().min(1).default(ENDPOINT.name),
});

await runService('The endpoint', async () => {
  const { PORT, HOST, LOG_LEVEL, MODEL_DIR, ENDPOINT_NAME } = readEnvironment(environment);
  const log = createLog('endpoint', LOG_LEVEL);
  const backend = await loadBackend();
  const store = await ModelStore.load(MODEL_DIR);
  for (const model of store.all) await warmUp(model);
  const models = store.all.map(({ name, version }) => `${name}/${version}`);
  log.info({ backend: backend.name, reason: backend.reason, models }, 'models loaded');
  const app = createEndpointApp({ store, endpointName: ENDPOINT_NAME, log });
  new ModelWatcher({ directory: MODEL_DIR, store, log }).start();
  const fetch = (request: Request) => store.during(() => app.fetch(request));
  return startServer({ fetch, port: PORT, hostname: HOST, log });
});
