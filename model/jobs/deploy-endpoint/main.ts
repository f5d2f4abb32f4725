import { runDeployJob } from './job.ts';

/** The deployment job as a process; SageMaker stops it with SIGTERM, a person with SIGINT. */

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () =>
    stop.abort(
      new Error(
        'The deployment job was stopped. What it has begun goes on in SageMaker; run it again to see it through.',
      ),
    ),
  );

process.exitCode = await runDeployJob({ signal: stop.signal });
