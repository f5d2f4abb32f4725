import { LOCAL_AWS } from '../shared/processes.ts';
import { serveArchive } from './sagemaker/rollout.ts';
import { type LocalSageMaker, startSageMaker } from './sagemaker/server.ts';
import { type StandIn, useStandIn } from './sagemaker/stand-in.ts';
import { SageMakerState } from './sagemaker/state.ts';
import type { Workspace } from './workspace.ts';

/** The deployment job's own settings for a SageMaker that is quick. */
const QUICK = { POLL_SECONDS: '0.3', BAKING_SECONDS: '0', LIMIT_MINUTES: '5' } as const;
const MODEL_NAME_VARIABLE = 'SAGEMAKER_TFS_DEFAULT_MODEL_NAME';

/** SageMaker and its endpoint on this machine, started when the first job needs them. */
export class LocalEndpoints {
  readonly #workspace: Workspace;
  #starting: Promise<{ server: LocalSageMaker; standIn: StandIn }> | undefined;
  #version: string | undefined;

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  async #start() {
    const { endpoint: folder, registry, s3, sageMakerState } = this.#workspace;
    const standIn = await useStandIn(folder, this.#workspace.endpointLog);
    const server = await startSageMaker({
      state: await SageMakerState.open(sageMakerState),
      registry,
      serve: async ({ PrimaryContainer: { ModelDataUrl, Environment } }) => {
        this.#version = await serveArchive({
          archive: s3.path(ModelDataUrl),
          name: Environment[MODEL_NAME_VARIABLE] ?? '',
          folder,
          standIn: standIn.url,
        });
      },
    });
    return { server, standIn };
  }

  /** The environment in which AWS's SDK reaches them. */
  async environment(): Promise<Record<string, string>> {
    this.#starting ??= this.#start();
    const { server, standIn } = await this.#starting;
    return {
      ...LOCAL_AWS,
      AWS_ENDPOINT_URL_SAGEMAKER: server.url,
      AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING: server.url,
      AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: standIn.url,
      ...QUICK,
    };
  }

  /** Where the model that was deployed answers; undefined when none was. */
  async deployed(): Promise<{ version: string; standIn: StandIn } | undefined> {
    const started = await this.#starting;
    if (!started || this.#version === undefined) return undefined;
    return { version: this.#version, standIn: started.standIn };
  }

  /** Leaves the endpoint of `npm start` alone. */
  async stop(): Promise<void> {
    const started = await this.#starting?.catch(() => undefined);
    await started?.server.stop();
    await started?.standIn.stop();
  }
}
