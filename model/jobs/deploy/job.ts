import { AddTagsCommand } from '@aws-sdk/client-sagemaker';
import { trialEndpointName } from '../../contract/sagemaker-jobs.ts';
import { errorText } from '../../shared/text.ts';
import { ContainerPaths, writeExitMessage } from '../container.ts';
import { EndpointAutoscaling } from './autoscaling.ts';
import { type Clock, createDeployClients, type DeployContext, systemClock } from './context.ts';
import { describeEndpoint, endpointTags, isGone, isServing, waitUntilSettled } from './endpoint.ts';
import { configName, deleteOldConfigs, describeConfig } from './endpoint-config.ts';
import { type RolledOut, rollOut } from './rollout.ts';
import { type DeploySettings, readDeploySettings } from './settings.ts';
import { SmokeTestError, smokeTest } from './smoke-test.ts';
import { tryModel } from './trial.ts';

/** What a deployment has come to. */
export interface DeployResult {
  readonly kind: RolledOut['kind'];
  /** Name of the configuration that the endpoint serves. */
  readonly config: string;
  /** The version that the model gives in its answers. */
  readonly modelVersion: string;
  /** The result in words. */
  readonly summary: string;
}

const notScaling = (error: unknown): string =>
  `The endpoint does not scale now (${errorText(error)}). Run the pipeline's DeployEndpoint step again: it repairs that.`;

/** A rollout that failed must not cost the old model its autoscaling, nor hide its reason when that cannot be restored. */
const restoreAutoscaling = async (
  context: DeployContext,
  autoscaling: EndpointAutoscaling,
  reason: unknown,
): Promise<void> => {
  if (!autoscaling.suspended) return;
  try {
    if (isGone(await describeEndpoint(context))) return;
    await autoscaling.ensure();
  } catch (error) {
    throw new Error(`${errorText(reason)} ${notScaling(error)}`, { cause: reason });
  }
};

/** Rolls a configuration out, on an endpoint that scales before and after. */
const rollOutScaled = async (context: DeployContext, config: string): Promise<RolledOut> => {
  const autoscaling = new EndpointAutoscaling(context);
  let rolledOut: RolledOut;
  try {
    rolledOut = await rollOut(context, { config, autoscaling });
  } catch (error) {
    await restoreAutoscaling(context, autoscaling, error);
    throw error;
  }
  await autoscaling.ensure().catch((error: unknown) => {
    const { endpointName } = context.settings;
    const message = `The endpoint ${endpointName} serves ${describeConfig(config, endpointName)}.`;
    throw new Error(`${message} ${notScaling(error)}`, { cause: error });
  });
  return rolledOut;
};

/** An alarm that is on would roll the way back back, and waiting would leave clients with the bad model. */
export const withoutWatching = (settings: DeploySettings): DeploySettings => ({
  ...settings,
  rollbackAlarms: [],
  bakingSeconds: 0,
});

/** @returns what the endpoint does about its failed smoke test, in a sentence */
const goBack = async (context: DeployContext, { kind, previous }: RolledOut): Promise<string> => {
  if (kind === 'unchanged' || previous === undefined) return 'Deploy another model.';
  const { settings } = context;
  const before = describeConfig(previous, settings.endpointName);
  try {
    await rollOutScaled({ ...context, settings: withoutWatching(settings) }, previous);
    return `The endpoint serves ${before} again.`;
  } catch (error) {
    return `It could not go back to ${before}: ${errorText(error)}`;
  }
};

const failure = ({ settings }: DeployContext, error: SmokeTestError, where: string, then: string): Error =>
  new Error(
    `Model version ${settings.modelPackage.version} ${where} fails the smoke test: ${error.message.slice(0, 300)}. ${then}`,
    { cause: error },
  );

/** @throws Error when the model fails where no client sees it */
const trial = async (context: DeployContext): Promise<void> => {
  const { endpointName } = context.settings;
  try {
    await tryModel(context);
  } catch (error) {
    if (!(error instanceof SmokeTestError)) throw error;
    const log = `/aws/sagemaker/Endpoints/${trialEndpointName(endpointName)}`;
    const then = `No client has seen it: the endpoint ${endpointName} stays as it was. Look at the log group ${log} and correct the model.`;
    throw failure(context, error, 'is not deployed: it', then);
  }
};

/** Asks the endpoint; where the new model fails, the one before is served again. */
const testAnswer = async (context: DeployContext, rolledOut: RolledOut): Promise<string> => {
  try {
    const { modelVersion, classes } = await smokeTest(context);
    context.report(`The model ${modelVersion} answers; its classes are ${classes.join(', ')}.`);
    return modelVersion;
  } catch (error) {
    if (!(error instanceof SmokeTestError)) throw error;
    const where = `on the endpoint ${context.settings.endpointName}`;
    throw failure(context, error, where, await goBack(context, rolledOut));
  }
};

/**
 * Puts a model on the endpoint and proves that it answers: first on a trial endpoint, which no client knows, then on the
 * endpoint itself, which otherwise goes back to the model before. It may be repeated. Of several runs at once the last
 * wins.
 *
 * @param options.tried the model was tried before, as one that has been served
 * @throws Error when the model is not served in the end, or does not answer as it should; the message says what is
 * served instead and what to do
 */
export const deployEndpoint = async (
  context: DeployContext,
  { tried = false } = {},
): Promise<DeployResult> => {
  const { settings, clients, report } = context;
  const { endpointName, modelPackage } = settings;
  const config = configName(settings);
  if (!tried && !isServing(await waitUntilSettled(context), config)) await trial(context);
  const rolledOut = await rollOutScaled(context, config);
  const { kind, arn, previous } = rolledOut;
  const modelVersion = await testAnswer(context, rolledOut);
  await clients.sageMaker.send(new AddTagsCommand({ ResourceArn: arn, Tags: endpointTags(settings) }));
  if (kind === 'rolled out')
    // Old configurations cost nothing: that they could not be deleted is no reason to call a deployment failed.
    await deleteOldConfigs(context, previous).catch((error: unknown) =>
      report(`Old endpoint configurations are left over: ${errorText(error)}`),
    );
  const since = kind === 'unchanged' ? 'already served' : 'now serves';
  const before = previous ? ` Before, it served ${describeConfig(previous, endpointName)}.` : '';
  return {
    kind,
    config,
    modelVersion,
    summary: `The endpoint ${endpointName} ${since} model version ${modelPackage.version}, which calls itself ${modelVersion}.${before}`,
  };
};

/** An error of AWS says what was refused, but not who did it. */
const describeFailure = (error: unknown): string =>
  error instanceof Error && '$fault' in error
    ? `AWS refused a call of the deployment job (${error.name}): ${error.message} The job's log shows what came before it.`
    : errorText(error);

export interface DeployJobOptions {
  /** What the job is to do; AWS's SDK reads the process's own. @default process.env */
  readonly environment?: NodeJS.ProcessEnv;
  /** @default the system's */
  readonly clock?: Clock;
  /** Ends the job; SageMaker itself finishes what was started. */
  readonly signal?: AbortSignal;
  /** Called with a line of the log. @default to stdout */
  readonly print?: (line: string) => void;
}

const printLine = (line: string): void => void process.stdout.write(`${line}\n`);

/**
 * The deployment job of the learning image, as a SageMaker processing job or on any other computer.
 *
 * @returns the process's exit code: 0 when the endpoint serves the model and the model answers
 */
export const runDeployJob = async ({
  environment = process.env,
  clock = systemClock,
  signal,
  print = printLine,
}: DeployJobOptions = {}): Promise<0 | 1> => {
  const end = (message: string): void => {
    print(message);
    try {
      writeExitMessage(ContainerPaths.from(environment), message);
    } catch (error) {
      print(`That message is in this log only: ${String(error)}`);
    }
  };
  try {
    const settings = readDeploySettings(environment);
    const clients = createDeployClients(settings.region);
    const context = { settings, clients, clock, startedAt: clock.now(), report: print, signal };
    end((await deployEndpoint(context)).summary);
    return 0;
  } catch (error) {
    end(describeFailure(error));
    return 1;
  }
};
