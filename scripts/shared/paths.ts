import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The folder for files that commands create: BUILD_DIR, or `build`. */
export const buildFolder = (environment: NodeJS.ProcessEnv = process.env): string =>
  path.resolve(environment['BUILD_DIR'] || path.join(ROOT, 'build'));

/** The local endpoint's model folder, shared by `npm start` and `npm run pipeline`. */
export const endpointFolder = (environment?: NodeJS.ProcessEnv): string =>
  path.join(buildFolder(environment), 'endpoint');
