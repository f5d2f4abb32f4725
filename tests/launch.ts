import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ROOT } from '../scripts/shared/paths.ts';

/** Ports for a system that runs next to others. */
export const FREE_PORTS = { WEB_PORT: '0', WAS_PORT: '0', ENDPOINT_PORT: '0' };

/** Runs one of our scripts as a separate process. */
export const launch = (
  script: string,
  parameters: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
) => {
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...parameters], {
    cwd: ROOT,
    env: { ...process.env, ...environment },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const closed = once(child, 'close');
  return {
    output: () => output,
    /** Waits until its output matches, two minutes at most, and resolves to the first group. */
    until: async (pattern: RegExp): Promise<string> => {
      for (const signal = AbortSignal.timeout(120_000); ; ) {
        const found = pattern.exec(output);
        if (found) return found[1] ?? found[0];
        if (child.exitCode !== null || signal.aborted)
          assert.fail(`no ${pattern} in what it said until now (exit code ${child.exitCode}):\n${output}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    /** Resolves to its exit code once it has ended. Sends a signal first, if one is given. */
    end: async (signal?: NodeJS.Signals): Promise<number | null> => {
      if (signal) child.kill(signal);
      await closed;
      return child.exitCode;
    },
  };
};
