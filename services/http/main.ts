import type { RunningServer } from './server.ts';
import { stopOnSignals } from './server.ts';

/**
 * Runs a service as a process: starts it, tells the parent (if any) where it listens, stops on signals. A service
 * that cannot start says why in one line and exits with 1.
 */
export const runService = async (name: string, start: () => Promise<RunningServer>): Promise<void> => {
  try {
    const server = await start();
    stopOnSignals(server);
    process.send?.({ url: server.url });
  } catch (error) {
    process.stderr.write(`${name} cannot start: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
};
