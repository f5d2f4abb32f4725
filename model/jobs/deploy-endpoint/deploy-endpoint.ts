import { Autoscaling } from './autoscaling.ts';
import { deleteOldConfigs } from './cleanup.ts';
import type { Deployment } from './deployment.ts';
import { configName, inWords } from './endpoint-config.ts';
import { describeEndpoint, isGone } from './endpoint-state.ts';
import { type Outcome, rollOut } from './rollout.ts';
import { SmokeTestError, smokeTest } from './smoke-test.ts';
import { ensureTags } from './tags.ts';

/** What a deployment has come to. */
export interface DeployResult {
  readonly kind: Outcome['kind'];
  /** Name of the configuration that the endpoint serves, or is on its way to, as this run ends. */
  readonly config: string;
  /** What the model calls itself in its answers; not asked when it was replaced. */
  readonly modelVersion: string | undefined;
  /** The result in words. */
  readonly summary: string;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const unscaled = (error: unknown): string =>
  `The endpoint does not scale now (${messageOf(error)}). Run the pipeline's DeployEndpoint step again: it repairs that.`;

/** A rollout that failed must not cost the old model its autoscaling, nor hide its reason when that cannot be restored. */
const restoreScaling = async (
  { settings, clients }: Deployment,
  scaling: Autoscaling,
  reason: unknown,
): Promise<void> => {
  if (!scaling.suspended) return;
  try {
    if (isGone(await describeEndpoint(clients.sageMaker, settings.endpointName))) return;
    await scaling.ensure();
  } catch (error) {
    throw new Error(`${messageOf(reason)} ${unscaled(error)}`, { cause: reason });
  }
};

const rollOutScaled = async (deployment: Deployment): Promise<Outcome> => {
  const scaling = new Autoscaling(deployment);
  let outcome: Outcome;
  try {
    outcome = await rollOut(deployment, scaling);
  } catch (error) {
    await restoreScaling(deployment, scaling, error);
    throw error;
  }
  await scaling.ensure().catch((error: unknown) => {
    const rolledOut = `Model version ${deployment.settings.modelPackage.version} was rolled out.`;
    throw new Error(`${rolledOut} ${unscaled(error)}`, { cause: error });
  });
  return outcome;
};

const replaced = ({ settings }: Deployment, config: string): DeployResult => ({
  kind: 'replaced',
  config,
  modelVersion: undefined,
  summary: `Model version ${settings.modelPackage.version} was served, but another run is replacing it on the endpoint ${settings.endpointName} by ${inWords(config, settings.endpointName)}.`,
});

/** What another run has put, or is putting, on the endpoint in place of this run's model. */
const replacement = async ({ settings, clients }: Deployment): Promise<string | undefined> => {
  const state = await describeEndpoint(clients.sageMaker, settings.endpointName);
  const config = state?.pending ?? state?.config;
  return config === configName(settings) ? undefined : config;
};

const failedSmokeTest = (
  { settings }: Deployment,
  error: SmokeTestError,
  previous: string | undefined,
): Error => {
  const { endpointName, modelPackage } = settings;
  const advice = previous
    ? `Put the previous one back: aws sagemaker update-endpoint --endpoint-name ${endpointName} --endpoint-config-name ${previous}`
    : 'Deploy another model.';
  return new Error(
    `Model version ${modelPackage.version} is on the endpoint ${endpointName} but fails the smoke test: ${error.message.slice(0, 300)}. ${advice}`,
    { cause: error },
  );
};

/** Old configurations cost nothing: that they could not be deleted is no reason to call a deployment failed. */
const cleanUp = async (deployment: Deployment, previous: string | undefined): Promise<void> => {
  try {
    await deleteOldConfigs(deployment, previous);
  } catch (error) {
    deployment.report(`Old endpoint configurations are left over: ${messageOf(error)}`);
  }
};

/**
 * Puts a model on the endpoint and proves that it answers. It may be repeated, and run several times at once.
 *
 * @throws Error when the model is not served in the end, or does not answer as it should; the message says what is
 * served instead and what to do
 */
export const deployEndpoint = async (deployment: Deployment): Promise<DeployResult> => {
  const { settings, report } = deployment;
  const { endpointName, modelPackage } = settings;
  const outcome = await rollOutScaled(deployment);
  if (outcome.kind === 'replaced') return replaced(deployment, outcome.by);

  await ensureTags(deployment, outcome.arn);
  const previous = outcome.kind === 'rolled out' ? outcome.previous : undefined;
  try {
    const { modelVersion, classes } = await smokeTest(deployment);
    report(`The model ${modelVersion} answers; its classes are ${classes.join(', ')}.`);
    if (outcome.kind === 'rolled out') await cleanUp(deployment, previous);
    const since = outcome.kind === 'unchanged' ? 'already served' : 'now serves';
    const before = previous ? ` Before, it served ${inWords(previous, endpointName)}.` : '';
    return {
      kind: outcome.kind,
      config: configName(settings),
      modelVersion,
      summary: `The endpoint ${endpointName} ${since} model version ${modelPackage.version}, which calls itself ${modelVersion}.${before}`,
    };
  } catch (error) {
    if (!(error instanceof SmokeTestError)) throw error;
    const other = await replacement(deployment);
    if (other !== undefined) return replaced(deployment, other);
    throw failedSmokeTest(deployment, error, previous);
  }
};
