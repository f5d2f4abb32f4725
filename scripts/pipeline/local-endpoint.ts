import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { extract } from 'tar';
import { z } from 'zod';
import { errorText } from '../../model/shared/text.ts';
import { ENDPOINT } from '../../services/contract.ts';
import { newestModels } from '../../services/endpoint/model-folder.ts';
import type { ModelHost } from '../aws-double/endpoints.ts';
import type { LocalServer } from '../aws-double/protocol.ts';
import { AwsDouble } from '../aws-double/server.ts';
import { AwsState } from '../aws-double/state.ts';
import { environmentWithoutAws, LOCAL_AWS, ServiceProcess } from '../shared/processes.ts';
import {
  findRunningEndpoint,
  placeVersion,
  prepareServedModel,
  recordDeployed,
} from '../shared/served-model.ts';
import type { Workspace } from './workspace.ts';

/** The deployment job's own settings for a SageMaker that is quick. */
const QUICK = { POLL_SECONDS: '0.3', BAKING_SECONDS: '0', LIMIT_MINUTES: '5' } as const;
const MODEL_NAME_VARIABLE = 'SAGEMAKER_TFS_DEFAULT_MODEL_NAME';

/** The emulator looks for models every second; a large one takes a while to load. */
const LIMIT_MS = 60_000;
const POLL_MS = 100;

const statusSchema = z.object({
  model_version_status: z.array(
    z.object({ state: z.string(), status: z.object({ error_message: z.string() }) }),
  ),
});

/** @returns why the version is not served; undefined when it is */
const waitUntilServed = async (url: string, name: string, version: string): Promise<string | undefined> => {
  const deadline = Date.now() + LIMIT_MS;
  while (Date.now() < deadline) {
    const response = await fetch(`${url}/v1/models/${name}/versions/${version}`).catch(() => undefined);
    if (!response) return `The endpoint at ${url} does not answer any more.`;
    if (response.ok) {
      const [found] = statusSchema.parse(await response.json()).model_version_status;
      if (found?.state === 'AVAILABLE') return undefined;
      if (found?.state === 'END') return found.status.error_message;
    }
    await sleep(POLL_MS);
  }
  return `The endpoint at ${url} does not load it within ${LIMIT_MS / 1000} s.`;
};

interface ServeArchiveOptions {
  readonly archive: string;
  /** Name under which the serving container looks for the model in the archive. */
  readonly name: string;
  /** What the endpoint emulator serves. */
  readonly folder: string;
  /** Where it listens. */
  readonly url: string;
}

/** Unpacks the archive's newest version of the model; resolves to its folder. */
const unpack = async ({ archive, name }: ServeArchiveOptions, into: string) => {
  await extract({ file: archive, cwd: into, strict: true });
  const found = (await newestModels({ directory: into })).find((model) => model.name === name);
  if (!found) throw new Error(`${archive} holds no ${name}/<version>/saved_model.pb.`);
  return { version: found.version, folder: path.dirname(found.file) };
};

/**
 * Serves an archive's model instead of any other version, even one with a higher number, and waits until it answers.
 * The others are out of the way only while that is uncertain; when it fails they are put back.
 *
 * @returns its version
 * @throws Error with the reason why the one before is still served
 */
export const serveArchive = async (options: ServeArchiveOptions): Promise<string> => {
  const { folder, name, url } = options;
  const base = path.join(folder, name);
  const unpacked = await mkdtemp(path.join(tmpdir(), 'bloomstack-rollout-'));
  const aside = await mkdtemp(`${folder}-before-`);
  try {
    const { version, folder: from } = await unpack(options, unpacked);
    const others = (await readdir(base)).filter((other) => other !== version);
    await placeVersion(from, folder, version);
    for (const other of others) await rename(path.join(base, other), path.join(aside, other));
    const refusal = await waitUntilServed(url, name, version);
    if (refusal !== undefined) {
      for (const other of others) await rename(path.join(aside, other), path.join(base, other));
      if (others.length > 0) await rm(path.join(base, version), { recursive: true });
      throw new Error(refusal);
    }
    await recordDeployed(folder, version);
    return version;
  } finally {
    await rm(unpacked, { recursive: true });
    await rm(aside, { recursive: true });
  }
};

/** The endpoint that answers on this machine. */
interface ServingEndpoint {
  readonly url: string;
  /** Whether `npm start` runs it; otherwise it is the pipeline's own, and ends with it. */
  readonly shared: boolean;
  readonly stop: () => Promise<void>;
}

/** The endpoint of `npm start` if it serves this folder, else one of our own, which prints to `logFile`. */
const useServingEndpoint = async (folder: string, logFile: string): Promise<ServingEndpoint> => {
  const running = await findRunningEndpoint(folder);
  if (running !== undefined) return { url: running, shared: true, stop: async () => {} };
  await prepareServedModel(folder);
  const service = new ServiceProcess({
    name: 'endpoint',
    environment: {
      ...environmentWithoutAws(),
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'info',
      MODEL_DIR: folder,
      ENDPOINT_NAME: ENDPOINT.name,
    },
    logFile,
    onExit: () => {},
  });
  return { url: await service.ready, shared: false, stop: () => service.stop() };
};

/** SageMaker and its endpoint on this machine, started when the first job needs them. */
export class LocalEndpoints {
  readonly #workspace: Workspace;
  #starting: Promise<{ server: LocalServer; serving: ServingEndpoint }> | undefined;
  #version: string | undefined;

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  async #start() {
    const { endpoint, endpointLog, registry, sageMakerState } = this.#workspace;
    const serving = await useServingEndpoint(endpoint, endpointLog);
    const host: ModelHost = {
      has: (name) => registry.hasModel(name),
      serve: async (name) => {
        try {
          this.#version = await this.#serve(name, serving.url);
          return { succeeded: true };
        } catch (error) {
          return { succeeded: false, failureReason: errorText(error) };
        }
      },
    };
    const server = await new AwsDouble({ host, state: AwsState.inFile(sageMakerState) }).start();
    return { server, serving };
  }

  async #serve(modelName: string, url: string): Promise<string> {
    const { endpoint: folder, registry, s3 } = this.#workspace;
    const model = registry.findModel(modelName);
    if (!model) throw new Error(`The model ${modelName} was deleted.`);
    const { ModelDataUrl, Environment } = model.PrimaryContainer;
    const name = Environment[MODEL_NAME_VARIABLE] ?? '';
    return serveArchive({ archive: s3.path(ModelDataUrl), name, folder, url });
  }

  /** The environment in which AWS's SDK reaches them. */
  async environment(): Promise<Record<string, string>> {
    this.#starting ??= this.#start();
    const { server, serving } = await this.#starting;
    return {
      ...LOCAL_AWS,
      AWS_ENDPOINT_URL_SAGEMAKER: server.url,
      AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING: server.url,
      AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: serving.url,
      ...QUICK,
    };
  }

  /** Where the model that was deployed answers; undefined when none was. */
  async deployed(): Promise<{ version: string; serving: ServingEndpoint } | undefined> {
    const started = await this.#starting;
    if (!started || this.#version === undefined) return undefined;
    return { version: this.#version, serving: started.serving };
  }

  /** Leaves the endpoint of `npm start` alone. */
  async stop(): Promise<void> {
    const started = await this.#starting?.catch(() => undefined);
    await started?.server.stop();
    await started?.serving.stop();
  }
}
