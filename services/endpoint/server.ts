import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { PHOTO_BYTES } from '../../model/contract/tensors.ts';
import { loadBackend } from '../../model/runtime/backend.ts';
import { ENDPOINT } from '../contract/services.ts';
import { readEnvironment, serverEnvironment } from '../http/environment.ts';
import { createLog } from '../http/log.ts';
import { runService } from '../http/main.ts';
import { startServer } from '../http/server.ts';
import { createEndpointApp } from './app.ts';
import { ModelStore } from './model-store.ts';

const DEFAULT_MODEL_DIR = fileURLToPath(new URL('../../model/default', import.meta.url));

const environment = serverEnvironment(ENDPOINT.port).extend({
  /** Folder with `<name>/<version>/saved_model.pb`. */
  MODEL_DIR: z.string().default(DEFAULT_MODEL_DIR),
  /** Name under which InvokeEndpoint finds it. */
  ENDPOINT_NAME: z.string().min(1).default(ENDPOINT.name),
});

/** The first run compiles kernels and is several times slower than the rest: it must not be a person's. */
const warmUp = async (store: ModelStore): Promise<void> => {
  const photo = { shape: [1], values: [new Uint8Array(PHOTO_BYTES)] };
  for (const { runner } of store.all) {
    await runner.run(new Map(Object.keys(runner.signature.inputs).map((name) => [name, photo])));
  }
};

await runService('The endpoint', async () => {
  const { PORT, HOST, LOG_LEVEL, MODEL_DIR, ENDPOINT_NAME } = readEnvironment(environment);
  const log = createLog('endpoint', LOG_LEVEL);
  const backend = await loadBackend();
  const store = await ModelStore.load(MODEL_DIR);
  await warmUp(store);
  const models = store.all.map(({ name, version }) => `${name}/${version}`);
  log.info({ backend: backend.name, reason: backend.reason, models }, 'models loaded');
  const app = createEndpointApp({ store, endpointName: ENDPOINT_NAME, log });
  return startServer({ fetch: app.fetch, port: PORT, hostname: HOST, log });
});
