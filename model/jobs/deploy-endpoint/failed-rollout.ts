import { inWords } from './endpoint-config.ts';
import type { EndpointState } from './endpoint-state.ts';
import type { DeploySettings } from './environment.ts';

/** SageMaker shows 1024 characters of the message, and its own reasons may be as long. */
const REASON_LENGTH = 300;

const reasonOf = ({ failureReason }: EndpointState): string =>
  failureReason ? `SageMaker says: ${failureReason.slice(0, REASON_LENGTH)}` : 'SageMaker gives no reason.';

const alarmsOf = ({ rollbackAlarms }: DeploySettings): string =>
  rollbackAlarms.length === 0
    ? 'No alarm watches the rollout.'
    : `The alarms that take a model back are ${rollbackAlarms.join(', ')}.`;

/**
 * Why the endpoint does not serve the model after all, what it serves instead, and what to do.
 *
 * @param state what the endpoint does now; nothing is under way
 * @param previous the configuration that it served before; `undefined` when there was no other
 */
export const failedRollout = (
  settings: DeploySettings,
  state: EndpointState | undefined,
  previous: string | undefined,
): Error => {
  const { endpointName, modelPackage } = settings;
  const model = `Model version ${modelPackage.version}`;
  const log = `/aws/sagemaker/Endpoints/${endpointName}`;
  if (state === undefined)
    return new Error(
      `${model} is not served: somebody has deleted the endpoint ${endpointName} while it was being rolled out. Run the pipeline's DeployEndpoint step again.`,
    );
  const serving = inWords(state.config, endpointName);
  if (state.status !== 'InService')
    return new Error(
      `${model} is not served: the endpoint ${endpointName} is ${state.status}. ${reasonOf(state)} Look at the log group ${log} and correct the model; the next deployment puts the endpoint right.`,
    );
  if (state.config === previous)
    return new Error(
      `${model} was taken back: the endpoint ${endpointName} serves ${serving} as before. ${reasonOf(state)} ${alarmsOf(settings)} Look at them and at the log group ${log} before you deploy again.`,
    );
  return new Error(
    `${model} is not served: another run has put ${serving} on the endpoint ${endpointName}, and this run never saw its own model in service. Deploy it again if you want it rather than that one.`,
  );
};

/** SageMaker updates no endpoint whose configuration is gone. */
export const lostConfiguration = ({ endpointName }: DeploySettings, config: string): Error =>
  new Error(
    `The endpoint ${endpointName} cannot be updated: somebody has deleted its configuration ${config}. Delete the endpoint (aws sagemaker delete-endpoint --endpoint-name ${endpointName}) and run the pipeline's DeployEndpoint step again; until then the endpoint goes on serving.`,
  );
