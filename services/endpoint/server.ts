import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { loadBackend } from '../../model/backend/backend.ts';
import { ENDPOINT } from '../contract.ts';
import { createLog } from '../http/app.ts';
import { readEnvironment, serverEnvironment } from '../http/environment.ts';
import { runService, startServer } from '../http/server.ts';
import { createEndpointApp } from './app.ts';
import { ModelWatcher } from './model-watcher.ts';
import { ModelStore, warmUp } from './models.ts';

const DEFAULT_MODEL_DIR = fileURLToPath(new URL('../../model/default', import.meta.url));

const environment = serverEnvironment({ defaultPort: ENDPOINT.port }).extend({
  /** Folder with `<name>/<version>/saved_model.pb`; new versions are served as they appear. */
  MODEL_DIR: z.string().default(DEFAULT_MODEL_DIR),
  /** The endpoint's name for InvokeEndpoint. */
  ENDPOINT_NAME: z.string().min(1).default(ENDPOINT.name),
});

await runService({
  name: 'The endpoint',
  start: async () => {
    const { PORT, HOST, LOG_LEVEL, MODEL_DIR: directory, ENDPOINT_NAME } = readEnvironment(environment);
    const log = createLog({ service: 'endpoint', level: LOG_LEVEL });
    const backend = await loadBackend();
    const store = await ModelStore.load({ directory });
    for (const model of store.all) await warmUp(model);
    const models = store.all.map(({ name, version }) => `${name}/${version}`);
    log.info({ backend: backend.name, reason: backend.reason, models }, 'models loaded');
    const app = createEndpointApp({ store, endpointName: ENDPOINT_NAME, log });
    new ModelWatcher({ directory, store, log }).start();
    const fetch = (request: Request) => store.during(() => app.fetch(request));
    return startServer({ fetch, port: PORT, hostname: HOST, log });
  },
});
