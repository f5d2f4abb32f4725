import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { extract } from 'tar';
import { z } from 'zod';
import { isTrialEndpoint } from '../../model/contract/sagemaker-jobs.ts';
import { errorText } from '../../model/shared/text.ts';
import { ENDPOINT } from '../../services/contract.ts';
import { newestModels } from '../../services/endpoint/model-folder.ts';
import type { ModelHost } from '../aws-double/endpoints.ts';
import { AwsError, type LocalServer } from '../aws-double/protocol.ts';
import { AwsDouble } from '../aws-double/server.ts';
import { AwsState } from '../aws-double/state.ts';
import { environmentWithoutAws, LOCAL_AWS, ServiceProcess } from '../shared/processes.ts';
import {
  findRunningEndpoint,
  placeVersion,
  prepareServedModel,
  recordDeployed,
} from '../shared/served-model.ts';
import type { LocalTrial } from './local-trial.ts';
import type { Workspace } from './workspace.ts';

/** Settings of the deployment job for the local SageMaker, which is fast. */
const QUICK = { POLL_SECONDS: '0.3', BAKING_SECONDS: '0', LIMIT_MINUTES: '5' } as const;
const MODEL_NAME_VARIABLE = 'SAGEMAKER_TFS_DEFAULT_MODEL_NAME';

/** The emulator polls for models every second, and a large one takes a while to load. */
const LIMIT_MS = 60_000;
const POLL_MS = 100;

const statusSchema = z.object({
  model_version_status: z.array(
    z.object({ state: z.string(), status: z.object({ error_message: z.string() }) }),
  ),
});

/** @returns why the version is not served, or undefined if it is */
const waitUntilServed = async (url: string, name: string, version: string): Promise<string | undefined> => {
  const deadline = Date.now() + LIMIT_MS;
  while (Date.now() < deadline) {
    const response = await fetch(`${url}/v1/models/${name}/versions/${version}`).catch(() => undefined);
    if (!response) return `The endpoint at ${url} no longer answers.`;
    if (response.ok) {
      const [found] = statusSchema.parse(await response.json()).model_version_status;
      if (found?.state === 'AVAILABLE') return undefined;
      if (found?.state === 'END') return found.status.error_message;
    }
    await sleep(POLL_MS);
  }
  return `The endpoint at ${url} did not load it within ${LIMIT_MS / 1000} s.`;
};

interface PackedArchive {
  readonly archive: string;
  /** Name under which the serving container looks for the model in the archive. */
  readonly name: string;
}

/** Unpacks an archive and runs `work` on its newest version of the model. @throws Error if it has none */
const withUnpacked = async <T>(
  { archive, name }: PackedArchive,
  work: (root: string, version: string, folder: string) => Promise<T>,
): Promise<T> => {
  const root = await mkdtemp(path.join(tmpdir(), 'bloomstack-rollout-'));
  try {
    await extract({ file: archive, cwd: root, strict: true });
    const found = (await newestModels({ directory: root })).find((model) => model.name === name);
    if (!found) throw new Error(`${archive} holds no ${name}/<version>/saved_model.pb.`);
    return await work(root, found.version, path.dirname(found.file));
  } finally {
    await rm(root, { recursive: true });
  }
};

/**
 * Replaces all versions in service by an archive's model, even if that has a lower number, and waits until it answers.
 * If it fails, the others are restored.
 *
 * @param folder the endpoint emulator's model folder
 * @param url the emulator's address
 * @returns the model's version
 * @throws Error that says why the previous model is still in service
 */
export const serveArchive = (packed: PackedArchive, folder: string, url: string): Promise<string> =>
  withUnpacked(packed, async (_, version, from) => {
    const base = path.join(folder, packed.name);
    const aside = await mkdtemp(`${folder}-before-`);
    try {
      const others = (await readdir(base)).filter((other) => other !== version);
      await placeVersion(from, folder, version);
      for (const other of others) await rename(path.join(base, other), path.join(aside, other));
      const refusal = await waitUntilServed(url, packed.name, version);
      if (refusal !== undefined) {
        for (const other of others) await rename(path.join(aside, other), path.join(base, other));
        if (others.length > 0) await rm(path.join(base, version), { recursive: true });
        throw new Error(refusal);
      }
      await recordDeployed(folder, version);
      return version;
    } finally {
      await rm(aside, { recursive: true });
    }
  });

/** The endpoint in use on this machine. */
interface ServingEndpoint {
  readonly url: string;
  /** Whether `npm start` runs it; otherwise the pipeline started it, and stops it. */
  readonly shared: boolean;
  readonly stop: () => Promise<void>;
}

/** The endpoint of `npm start` if it serves this folder, or else a new one, which logs to `logFile`. */
const useServingEndpoint = async (folder: string, logFile: string): Promise<ServingEndpoint> => {
  const running = await findRunningEndpoint(folder);
  if (running !== undefined) return { url: running, shared: true, stop: async () => {} };
  await prepareServedModel(folder);
  const service = new ServiceProcess({
    name: 'endpoint',
    environment: {
      ...environmentWithoutAws(),
      ...{ HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'info' },
      ...{ MODEL_DIR: folder, ENDPOINT_NAME: ENDPOINT.name },
    },
    logFile,
    onExit: () => {},
  });
  return { url: await service.ready, shared: false, stop: () => service.stop() };
};

/** The local SageMaker and its endpoint, started when the first job needs them. */
export class LocalEndpoints {
  readonly #workspace: Workspace;
  #trial: LocalTrial | undefined;
  #starting: Promise<LocalServer> | undefined;
  #serving: Promise<ServingEndpoint> | undefined;
  #version: string | undefined;

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  async #start() {
    const { endpoint, endpointLog, registry, sageMakerState } = this.#workspace;
    const url = async (): Promise<string> => {
      this.#serving ??= useServingEndpoint(endpoint, endpointLog);
      return (await this.#serving).url;
    };
    const host: ModelHost = {
      has: (name) => registry.hasModel(name),
      serve: async (name, { endpoint: endpointName }) => {
        try {
          const archive = this.#archive(name);
          if (isTrialEndpoint(endpointName)) {
            // Imported lazily, because it loads TensorFlow.js.
            const { loadTrial } = await import('./local-trial.ts');
            this.#trial = await withUnpacked(archive, loadTrial);
          } else this.#version = await serveArchive(archive, endpoint, await url());
          return { succeeded: true };
        } catch (error) {
          return { succeeded: false, failureReason: errorText(error) };
        }
      },
      invoke: async (_, body, endpointName) => {
        const place = `/endpoints/${ENDPOINT.name}/invocations`;
        const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
        const response =
          isTrialEndpoint(endpointName) && this.#trial
            ? await this.#trial.request(place, request)
            : await fetch((await url()) + place, request);
        const answer = await response.text();
        if (response.ok) return answer;
        throw new AwsError('ModelError', answer, { status: 424 });
      },
    };
    const state = AwsState.inFile(sageMakerState);
    // Without a deployed model, for example after the folder was removed, there is no endpoint yet.
    if (!(await prepareServedModel(endpoint)).deployed) state.contents.endpoints = {};
    return new AwsDouble({ host, registry, state }).start();
  }

  #archive(modelName: string): PackedArchive {
    const { registry, s3 } = this.#workspace;
    const model = registry.findModel(modelName);
    if (!model) throw new Error(`The model ${modelName} was deleted.`);
    const { ModelDataUrl, Environment } = model.PrimaryContainer;
    return { archive: s3.path(ModelDataUrl), name: Environment[MODEL_NAME_VARIABLE] ?? '' };
  }

  /** Environment variables that point the AWS SDK to them. */
  async environment(): Promise<Record<string, string>> {
    this.#starting ??= this.#start();
    const server = await this.#starting;
    return {
      ...LOCAL_AWS,
      AWS_ENDPOINT_URL_SAGEMAKER: server.url,
      AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING: server.url,
      AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: server.url,
      ...QUICK,
    };
  }

  /** The deployed version and its endpoint; undefined if nothing was deployed. */
  async deployed(): Promise<{ version: string; serving: ServingEndpoint } | undefined> {
    const serving = await this.#serving;
    return serving && this.#version !== undefined ? { version: this.#version, serving } : undefined;
  }

  /** Stops everything but the endpoint of `npm start`. */
  async stop(): Promise<void> {
    const ended = () => undefined;
    await (await this.#starting?.catch(ended))?.stop();
    await (await this.#serving?.catch(ended))?.stop();
  }
}
