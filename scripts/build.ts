import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { print, runCommand } from './shared/cli.ts';
import { ROOT } from './shared/paths.ts';

/** Compiles the services to plain JavaScript in `dist/`, with the files that they read at run time. */

const HEAD = `Usage: npm run build

Compiles the services to plain JavaScript in dist/.`;

const DIST = path.join(ROOT, 'dist');
const ASSETS = ['services/web/public', 'model/default', 'model/calibration/backgrounds', 'package.json'];

await runCommand({ head: HEAD, options: z.strictObject({}) }, async () => {
  rmSync(DIST, { recursive: true, force: true });
  const { status } = spawnSync(
    process.execPath,
    [path.join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
    { cwd: ROOT, stdio: 'inherit' },
  );
  if (status !== 0) return status ?? 1;
  for (const asset of ASSETS) cpSync(path.join(ROOT, asset), path.join(DIST, asset), { recursive: true });
  print('Built dist/. Run a service with: node dist/services/web/server.js');
  return 0;
});
