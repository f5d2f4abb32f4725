import { WEB } from '../contract.ts';
import { createLog } from '../http/app.ts';
import { readEnvironment } from '../http/environment.ts';
import { runService, startServer } from '../http/server.ts';
import { createWebApp } from './app.ts';
import { webEnvironment } from './environment.ts';

await runService({
  name: WEB.name,
  start: async () => {
    const { PORT, HOST, LOG_LEVEL, WAS_URL, VERSION } = readEnvironment(webEnvironment);
    const log = createLog({ service: WEB.name, level: LOG_LEVEL });
    const { fetch } = createWebApp({ log, wasUrl: WAS_URL, version: VERSION });
    return startServer({ fetch, port: PORT, hostname: HOST, log });
  },
});
