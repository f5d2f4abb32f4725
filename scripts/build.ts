import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './root.ts';

/** Compiles the services to plain JavaScript in `dist/`, with the files that they read at run time. */

const DIST = path.join(ROOT, 'dist');
const ASSETS = ['services/web/public', 'model/default', 'package.json'];

rmSync(DIST, { recursive: true, force: true });
const { status } = spawnSync(
  process.execPath,
  [path.join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
  {
    cwd: ROOT,
    stdio: 'inherit',
  },
);
if (status !== 0) process.exit(status ?? 1);
for (const asset of ASSETS) cpSync(path.join(ROOT, asset), path.join(DIST, asset), { recursive: true });
process.stdout.write('Built dist/. Run a service with: node dist/services/web/server.js\n');
