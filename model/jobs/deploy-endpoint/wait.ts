import { isPassing } from './aws-errors.ts';
import type { Deployment } from './deployment.ts';
import { describeEndpoint, type EndpointState, isSettled } from './endpoint-state.ts';

/** An unchanged status is reported again after this long, so that the log shows life. */
const REMIND_MINUTES = 5;
/** How much longer than usual the pause gets when AWS cannot answer. */
const SLOWEST = 8;
/** Runs that were started together do not ask together for ever. */
const JITTER = 0.2;

const minutesSince = (start: number, now: number): number => Math.floor((now - start) / 60_000);

const stuck = (
  { settings }: Deployment,
  state: EndpointState | undefined,
  minutes: { readonly inStatus: number; readonly inAll: number },
): Error => {
  const { endpointName } = settings;
  const what =
    state === undefined
      ? `SageMaker has not answered for ${minutes.inStatus} minutes what the endpoint ${endpointName} does`
      : `The endpoint ${endpointName} has been stuck in ${state.status} for ${minutes.inStatus} minutes`;
  return new Error(
    `${what}; the job gives up after ${minutes.inAll} minutes. SageMaker goes on by itself. Look at the log group /aws/sagemaker/Endpoints/${endpointName}: usually the container does not get ready, or SageMaker has no machine to give. Run the pipeline's DeployEndpoint step again once the endpoint is settled.`,
  );
};

const deadlineOf = ({ settings, startedAt }: Deployment): number =>
  startedAt + settings.limitMinutes * 60_000;

/**
 * Pauses for a poll.
 *
 * @throws Error when the time limit has passed
 */
export const pause = async (deployment: Deployment, polls = 1): Promise<void> => {
  const { clock, settings, signal } = deployment;
  if (clock.now() > deadlineOf(deployment))
    throw new Error(
      `The job gives up after ${settings.limitMinutes} minutes: the endpoint ${settings.endpointName} is changed by others again and again. Stop them and run the pipeline's DeployEndpoint step again.`,
    );
  const jitter = 1 + JITTER * (2 * Math.random() - 1);
  await clock.sleep(settings.pollSeconds * 1000 * polls * jitter, signal);
};

/**
 * Watches the endpoint until nothing is under way any more. Too many requests and faults of AWS only slow it down.
 *
 * @param until ends the wait before that
 * @returns what the endpoint does then; `undefined` when there is none
 * @throws Error when the time limit passes
 */
export const waitUntilSettled = async (
  deployment: Deployment,
  until: (state: EndpointState | undefined) => boolean = () => false,
): Promise<EndpointState | undefined> => {
  const { settings, clients, clock, startedAt, report, signal } = deployment;
  let last: EndpointState | undefined;
  let since = clock.now();
  let reminded = since;
  let slowness = 1;
  for (;;) {
    signal?.throwIfAborted();
    try {
      const state = await describeEndpoint(clients.sageMaker, settings.endpointName);
      if (isSettled(state) || until(state)) return state;
      slowness = 1;
      if (state?.status !== last?.status) {
        since = clock.now();
        reminded = since;
        report(`The endpoint ${settings.endpointName} is ${state?.status}.`);
      }
      last = state;
    } catch (error) {
      if (!isPassing(error)) throw error;
      slowness = Math.min(SLOWEST, slowness * 2);
      report(`SageMaker cannot answer now (${error instanceof Error ? error.name : 'error'}); asking again.`);
    }
    const now = clock.now();
    if (now > deadlineOf(deployment))
      throw stuck(deployment, last, {
        inStatus: minutesSince(since, now),
        inAll: minutesSince(startedAt, now),
      });
    if (last && minutesSince(reminded, now) >= REMIND_MINUTES) {
      reminded = now;
      report(
        `The endpoint ${settings.endpointName} has been ${last.status} for ${minutesSince(since, now)} minutes.`,
      );
    }
    await pause(deployment, slowness);
  }
};
