import { CreateEndpointCommand, DeleteEndpointCommand } from '@aws-sdk/client-sagemaker';
import { trialEndpointName } from '../../contract/sagemaker-jobs.ts';
import { type DeployContext, isAlreadyExists, isInProgress, undefinedIfNotFound } from './context.ts';
import { describeEndpoint, type EndpointState, isServing, pause, waitUntilSettled } from './endpoint.ts';
import { ensureEndpointConfig } from './endpoint-config.ts';
import { SmokeTestError, smokeTest } from './smoke-test.ts';

/** Another run's trial ends sooner: one that has not changed for longer was left by a run that was killed. */
const ABANDONED_MINUTES = 10;

/** The same job on the endpoint of the trial. */
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

/** Deletes the trial of a configuration, and no other. */
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

/** Waits for a trial of this configuration, which another run with the same model may have begun. */
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
 * Serves the model on an endpoint of its own, which no client knows, and asks it there. A blue/green update has no such
 * step: whatever takes its first traffic answers clients, and a single instance takes all of it.
 *
 * @throws SmokeTestError when the model's container does not get ready, or its answer breaks the contract
 */
export const tryModel = async (context: DeployContext): Promise<void> => {
  const trial = onTrial(context);
  const config = await ensureEndpointConfig(context);
  try {
    const found = await startTrial(trial, config);
    if (!isServing(found, config))
      throw new SmokeTestError(`its container does not get ready: ${found.failureReason ?? found.status}`);
    await smokeTest(trial);
  } catch (error) {
    if (!(error instanceof SmokeTestError)) throw error;
    const now = await describeEndpoint(trial);
    // Another run with the same model was faster, and has ended the trial.
    if (now?.config !== config || now.status === 'Deleting') return tryModel(context);
    throw error;
  } finally {
    await remove(trial, config);
  }
  await waitUntilSettled(trial);
};
