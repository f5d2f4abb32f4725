import { CreateEndpointCommand, DeleteEndpointCommand } from '@aws-sdk/client-sagemaker';
import { trialEndpointName } from '../../contract/sagemaker-jobs.ts';
import { type DeployContext, isAlreadyExists, isInProgress, undefinedIfNotFound } from './context.ts';
import { describeEndpoint, type EndpointState, isServing, pause, waitUntilSettled } from './endpoint.ts';
import { ensureEndpointConfig } from './endpoint-config.ts';
import { SmokeTestError, smokeTest } from './smoke-test.ts';

/** Trials never take this long: an older one was left behind by a run that was killed. */
const ABANDONED_MINUTES = 10;

/** The job's context for the trial endpoint. */
const onTrial = (context: DeployContext): DeployContext => {
  const { settings } = context;
  return { ...context, settings: { ...settings, endpointName: trialEndpointName(settings.endpointName) } };
};

const create = async ({ settings, clients, report }: DeployContext, config: string): Promise<void> => {
  const { endpointName: EndpointName } = settings;
  report(`Trying model version ${settings.modelPackage.version} on the endpoint ${EndpointName}.`);
  try {
    await clients.sageMaker.send(new CreateEndpointCommand({ EndpointName, EndpointConfigName: config }));
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
};

/** Deletes the trial of this configuration only. */
const remove = async (trial: DeployContext, config: string): Promise<void> => {
  const { endpointName: EndpointName } = trial.settings;
  if ((await describeEndpoint(trial))?.config !== config) return;
  try {
    const command = new DeleteEndpointCommand({ EndpointName });
    await undefinedIfNotFound(trial.clients.sageMaker.send(command));
  } catch (error) {
    if (!isInProgress(error)) throw error;
    trial.report(`The endpoint ${EndpointName} cannot be deleted yet; the next deployment deletes it.`);
  }
};

/** Waits for a trial of this configuration, which another run with the same model may have started. */
const startTrial = async (trial: DeployContext, config: string): Promise<EndpointState> => {
  for (;;) {
    const found = await waitUntilSettled(trial);
    if (found?.config === config) return found;
    if (found === undefined) await create(trial, config);
    else if (trial.clock.now() - found.changedAt > ABANDONED_MINUTES * 60_000)
      await remove(trial, found.config);
    await pause(trial);
  }
};

/**
 * Serves the model on a separate endpoint without clients, and runs the smoke test there. A blue/green update has no
 * such step: its first traffic comes from clients, and with a single instance it is all of their traffic.
 *
 * @throws SmokeTestError if the model's container does not start, or its answer violates the contract
 */
export const tryModel = async (context: DeployContext): Promise<void> => {
  const trial = onTrial(context);
  const config = await ensureEndpointConfig(context);
  try {
    const found = await startTrial(trial, config);
    if (!isServing(found, config))
      throw new SmokeTestError(`its container does not start: ${found.failureReason ?? found.status}`);
    await smokeTest(trial);
  } catch (error) {
    if (!(error instanceof SmokeTestError)) throw error;
    const now = await describeEndpoint(trial);
    // Another run with the same model has already ended the trial.
    if (now?.config !== config || now.status === 'Deleting') return tryModel(context);
    throw error;
  } finally {
    await remove(trial, config);
  }
  await waitUntilSettled(trial);
};
