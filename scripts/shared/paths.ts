import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Where what runs on this machine keeps its files: BUILD_DIR, or `build`. */
export const buildFolder = (environment: NodeJS.ProcessEnv = process.env): string =>
  path.resolve(environment['BUILD_DIR'] || path.join(ROOT, 'build'));

/** What the local endpoint serves, shared by `npm start` and `npm run pipeline`. */
export const endpointFolder = (environment?: NodeJS.ProcessEnv): string =>
  path.join(buildFolder(environment), 'endpoint');
