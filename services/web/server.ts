import { WEB } from '../contract.ts';
import { createLog } from '../http/app.ts';
import { readEnvironment } from '../http/environment.ts';
import { startMetrics } from '../http/metrics.ts';
import { runService, startServer } from '../http/server.ts';
import { ApiKeys, fileStore, secretStore } from './api-keys.ts';
import { createWebApp } from './app.ts';
import { webEnvironment } from './environment.ts';

await runService({
  name: WEB.name,
  start: async () => {
    const settings = readEnvironment(webEnvironment);
    const { PORT, HOST, LOG_LEVEL, WAS_URL, VERSION, API_KEYS_FILE, API_KEYS_SECRET } = settings;
    const log = createLog({ service: WEB.name, level: LOG_LEVEL });
    const metrics = await startMetrics(settings, { service: WEB.name, log });
    const store = API_KEYS_SECRET
      ? await secretStore(API_KEYS_SECRET)
      : API_KEYS_FILE && fileStore(API_KEYS_FILE);
    const keys = store ? new ApiKeys({ read: store, log }) : undefined;
    await keys?.start();
    const { OPEN_PAGE: openPage, PHOTOS_PER_MINUTE: photosPerMinute, CORS_ORIGINS: corsOrigins } = settings;
    const access = { keys, openPage, photosPerMinute, corsOrigins };
    const { fetch } = createWebApp({ log, metrics, wasUrl: WAS_URL, version: VERSION, ...access });
    return startServer({ fetch, port: PORT, hostname: HOST, log });
  },
});
