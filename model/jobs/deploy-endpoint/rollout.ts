import {
  CreateEndpointCommand,
  DeleteEndpointCommand,
  UpdateEndpointCommand,
} from '@aws-sdk/client-sagemaker';
import type { Autoscaling } from './autoscaling.ts';
import { isAlreadyThere, isBeingChanged, isMissing } from './aws-errors.ts';
import type { Deployment } from './deployment.ts';
import { configName, ensureEndpointConfig, inWords } from './endpoint-config.ts';
import {
  describeEndpoint,
  type EndpointState,
  isBeingReplaced,
  isHeadingFor,
  isServing,
  isSettled,
} from './endpoint-state.ts';
import { failedRollout, lostConfiguration } from './failed-rollout.ts';
import { tagsOf } from './tags.ts';
import { updatePolicy } from './update-policy.ts';
import { pause, waitUntilSettled } from './wait.ts';

export type Outcome =
  /** The endpoint served the model already. */
  | { readonly kind: 'unchanged'; readonly arn: string }
  /** The endpoint serves the model now. */
  | { readonly kind: 'rolled out'; readonly arn: string; readonly previous: string | undefined }
  /** The endpoint served the model, but another run is putting another one there. */
  | { readonly kind: 'replaced'; readonly by: string };

/** A change that was begun; by this run, or by another one with the same model. */
interface Attempt {
  /** Configuration that the endpoint served before; `undefined` when there was no other. */
  readonly previous: string | undefined;
}

/**
 * Begins what brings the endpoint to the model.
 *
 * @param settled what the endpoint does; nothing is under way
 * @returns `undefined` when the endpoint must be looked at again: it was failed and is being deleted, or changed meanwhile
 */
const begin = async (
  deployment: Deployment,
  scaling: Autoscaling,
  settled: EndpointState | undefined,
): Promise<Attempt | undefined> => {
  const { settings, clients, report } = deployment;
  const { endpointName: EndpointName } = settings;
  if (settled?.status === 'Failed') {
    const reason = settled.failureReason ?? 'no reason is given';
    report(`The endpoint ${EndpointName} has failed (${reason}). It cannot be updated: deleting it.`);
    await clients.sageMaker.send(new DeleteEndpointCommand({ EndpointName }));
    return undefined;
  }
  const EndpointConfigName = await ensureEndpointConfig(deployment);
  if (settled === undefined) {
    report(`Creating the endpoint ${EndpointName} with ${inWords(EndpointConfigName, EndpointName)}.`);
    await clients.sageMaker.send(
      new CreateEndpointCommand({ EndpointName, EndpointConfigName, Tags: tagsOf(settings) }),
    );
    return { previous: undefined };
  }
  await scaling.suspend();
  // Until just now, autoscaling may have changed the number of machines, and another run anything.
  const now = await describeEndpoint(clients.sageMaker, EndpointName);
  if (now === undefined || !isSettled(now) || isServing(now, EndpointConfigName)) return undefined;
  report(
    `Updating the endpoint ${EndpointName} from ${inWords(now.config, EndpointName)} to ${inWords(EndpointConfigName, EndpointName)}.`,
  );
  await clients.sageMaker.send(
    new UpdateEndpointCommand({ EndpointName, EndpointConfigName, ...updatePolicy(settings, now) }),
  );
  // One that was out of service may have had this very configuration.
  return { previous: now.config === EndpointConfigName ? undefined : now.config };
};

/** As {@link begin}, but being too late is no error. */
const tryToBegin = async (
  deployment: Deployment,
  scaling: Autoscaling,
  settled: EndpointState | undefined,
): Promise<Attempt | undefined> => {
  try {
    return await begin(deployment, scaling, settled);
  } catch (error) {
    if (!isBeingChanged(error) && !isAlreadyThere(error) && !isMissing(error)) throw error;
    // Any other that is missing was cleaned away by another run, and is made again.
    if (isMissing(error) && settled && String(error).includes(`endpoint-config/${settled.config}"`))
      throw lostConfiguration(deployment.settings, settled.config);
    deployment.report(
      isMissing(error)
        ? `The endpoint ${deployment.settings.endpointName} or its configuration is not there, or not yet (${String(error)}); looking again.`
        : `Another run is changing the endpoint ${deployment.settings.endpointName}.`,
    );
    return undefined;
  }
};

/**
 * Brings the endpoint to the model, whatever it does at first, and waits until it serves it. A change that is under way
 * is waited for; one that leads to the same model counts as this run's own. Of runs with different models the last one
 * wins. Autoscaling may be suspended afterwards, also after an error.
 *
 * @throws Error when the endpoint does not serve the model in the end; it says what it does serve
 */
export const rollOut = async (deployment: Deployment, scaling: Autoscaling): Promise<Outcome> => {
  const { settings, report } = deployment;
  const target = configName(settings);
  let attempt: Attempt | undefined;
  for (;;) {
    const state = await waitUntilSettled(deployment, (seen) =>
      attempt ? isBeingReplaced(seen, target) : isHeadingFor(seen, target),
    );
    if (!attempt && state && isHeadingFor(state, target)) {
      report('Another run is rolling out this very model; waiting for it.');
      attempt = { previous: state.status === 'Creating' ? undefined : state.config };
      continue;
    }
    if (attempt && !isSettled(state) && state?.pending) return { kind: 'replaced', by: state.pending };
    if (state && isServing(state, target))
      return attempt
        ? { kind: 'rolled out', arn: state.arn, previous: attempt.previous }
        : { kind: 'unchanged', arn: state.arn };
    if (attempt) throw failedRollout(settings, state, attempt.previous);
    attempt = await tryToBegin(deployment, scaling, state);
    await pause(deployment);
  }
};
