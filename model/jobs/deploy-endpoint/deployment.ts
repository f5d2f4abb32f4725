import type { Clients } from './clients.ts';
import type { Clock } from './clock.ts';
import type { DeploySettings } from './environment.ts';

/** One run of the job: what it is to do, and with what. */
export interface Deployment {
  readonly settings: DeploySettings;
  readonly clients: Clients;
  readonly clock: Clock;
  /** When the run began, by the clock. */
  readonly startedAt: number;
  /** Called with a line of progress. */
  readonly report: (line: string) => void;
  /** Ends the waiting; SageMaker itself goes on with what it has begun. */
  readonly signal?: AbortSignal | undefined;
}
