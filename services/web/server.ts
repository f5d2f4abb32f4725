import { WEB } from '../contract/services.ts';
import { readEnvironment } from '../http/environment.ts';
import { createLog } from '../http/log.ts';
import { runService } from '../http/main.ts';
import { startServer } from '../http/server.ts';
import { createWebApp } from './app.ts';
import { webEnvironment } from './environment.ts';

await runService(WEB.name, () => {
  const { PORT, HOST, LOG_LEVEL, WAS_URL, VERSION } = readEnvironment(webEnvironment);
  const log = createLog(WEB.name, LOG_LEVEL);
  const app = createWebApp({ log, wasUrl: WAS_URL, version: VERSION });
  return startServer({ fetch: app.fetch, port: PORT, hostname: HOST, log });
});
