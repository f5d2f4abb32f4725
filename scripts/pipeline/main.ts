import { print, runCommand } from '../shared/cli.ts';
import { type PipelineOptions, pipelineCommand, pipelineRequest } from './command-line.ts';
import { runPipeline } from './run.ts';

/** Runs a SageMaker pipeline of the Terraform on this machine. */

const EXIT_CODES = { Succeeded: 0, Failed: 1, Stopped: 130 } as const;

const run = async (options: PipelineOptions): Promise<number> => {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
  const status = await runPipeline({
    request: options.resume ? undefined : pipelineRequest(options, process.env),
    signal: stop.signal,
    write: print,
  });
  return EXIT_CODES[status];
};

await runCommand(pipelineCommand(process.env), run);
