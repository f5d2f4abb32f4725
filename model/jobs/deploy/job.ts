import { errorText } from '../../shared/text.ts';
import { ContainerPaths, writeExitMessage } from '../container.ts';
import { EndpointAutoscaling } from './autoscaling.ts';
import { type Clock, createDeployClients, type DeployContext, systemClock } from './context.ts';
import { describeEndpoint, ensureTags, isGone } from './endpoint.ts';
import { configName, deleteOldConfigs, describeConfig } from './endpoint-config.ts';
import { type RolledOut, rollOutModel } from './rollout.ts';
import { readDeploySettings } from './settings.ts';
import { SmokeTestError, smokeTest } from './smoke-test.ts';

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

const rollOutScaled = async (context: DeployContext): Promise<RolledOut> => {
  const autoscaling = new EndpointAutoscaling(context);
  let rolledOut: RolledOut;
  try {
    rolledOut = await rollOutModel(context, autoscaling);
  } catch (error) {
    await restoreAutoscaling(context, autoscaling, error);
    throw error;
  }
  await autoscaling.ensure().catch((error: unknown) => {
    const message = `Model version ${context.settings.modelPackage.version} was rolled out.`;
    throw new Error(`${message} ${notScaling(error)}`, { cause: error });
  });
  return rolledOut;
};

const testAnswer = async (context: DeployContext, previous: string | undefined): Promise<string> => {
  const { endpointName, modelPackage } = context.settings;
  try {
    const { modelVersion, classes } = await smokeTest(context);
    context.report(`The model ${modelVersion} answers; its classes are ${classes.join(', ')}.`);
    return modelVersion;
  } catch (error) {
    if (!(error instanceof SmokeTestError)) throw error;
    const advice = previous
      ? `To restore the previous one: aws sagemaker update-endpoint --endpoint-name ${endpointName} --endpoint-config-name ${previous}`
      : 'Deploy another model.';
    throw new Error(
      `Model version ${modelPackage.version} is on the endpoint ${endpointName} but fails the smoke test: ${error.message.slice(0, 300)}. ${advice}`,
      { cause: error },
    );
  }
};

/**
 * Puts a model on the endpoint and proves that it answers. It may be repeated. Of several runs at once the last wins.
 *
 * @throws Error when the model is not served in the end, or does not answer as it should; the message says what is
 * served instead and what to do
 */
export const deployEndpoint = async (context: DeployContext): Promise<DeployResult> => {
  const { settings, report } = context;
  const { endpointName, modelPackage } = settings;
  const { kind, arn, previous } = await rollOutScaled(context);
  await ensureTags(context, arn);
  const modelVersion = await testAnswer(context, previous);
  if (kind === 'rolled out')
    // Old configurations cost nothing: that they could not be deleted is no reason to call a deployment failed.
    await deleteOldConfigs(context, previous).catch((error: unknown) =>
      report(`Old endpoint configurations are left over: ${errorText(error)}`),
    );
  const since = kind === 'unchanged' ? 'already served' : 'now serves';
  const before = previous ? ` Before, it served ${describeConfig(previous, endpointName)}.` : '';
  return {
    kind,
    config: configName(settings),
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
