import path from 'node:path';
import { z } from 'zod';
import { ENDPOINT } from '../services/contract.ts';
import { readEnvironment } from '../services/http/environment.ts';
import { endpointFolder } from './local/build-folder.ts';
import { environmentWithoutAws, LOCAL_AWS } from './local/environment.ts';
import { portsSchema, reservePorts } from './local/ports.ts';
import { prepareServedModel } from './local/served-model.ts';
import { ServiceProcess } from './local/service-process.ts';
import { forgetStandIn, recordStandIn } from './local/stand-in-record.ts';
import { ROOT } from './root.ts';

/**
 * Runs the whole system on this machine: the endpoint stand-in, the application service and the web service, each a
 * process of its own. What differs from AWS is in their environment only.
 */

const settingsSchema = portsSchema.extend({
  HOST: z.string().min(1).default('127.0.0.1'),
  LOG_LEVEL: z.string().default('warn'),
  /** Given, this folder is served as it is; else the one into which `npm run pipeline` deploys. */
  MODEL_DIR: z.string().optional(),
});

const services: ServiceProcess[] = [];
let stopping = false;

const stop = async (exitCode: number): Promise<void> => {
  if (stopping) return;
  stopping = true;
  await Promise.all([...services.map((service) => service.stop()), forgetStandIn(endpointFolder())]);
  process.exit(exitCode);
};

type Settings = z.infer<typeof settingsSchema>;

/** Starts a service; resolves to where it listens. */
const start = async (
  name: 'endpoint' | 'was' | 'web',
  port: number,
  { HOST, LOG_LEVEL }: Settings,
  environment: Record<string, string>,
): Promise<string> => {
  const service = new ServiceProcess({
    name,
    environment: { ...environmentWithoutAws(), HOST, LOG_LEVEL, PORT: String(port), ...environment },
    onExit: () => {
      if (stopping) return;
      const folder = environment['MODEL_DIR'];
      const models = folder === undefined ? '' : `MODEL_DIR=${path.relative(ROOT, folder)} `;
      process.stderr.write(
        `The service ${name} has ended. The others go on; start it again with: ${models}PORT=${port} npm run start:${name}\n`,
      );
    },
  });
  services.push(service);
  const url = await service.ready;
  process.stdout.write(`  ${name.padEnd(8)} ${url} (process ${service.pid})\n`);
  return url;
};

/** The folder that the endpoint is to serve; what lies in the pipeline's is said. */
const modelFolder = async ({ MODEL_DIR }: Settings): Promise<string> => {
  if (MODEL_DIR !== undefined) return MODEL_DIR;
  const folder = endpointFolder();
  const { version, deployed } = await prepareServedModel(folder);
  if (deployed)
    process.stdout.write(
      `  serving model ${version}, which npm run pipeline has deployed; remove ${path.relative(ROOT, folder)} to go back to the one that ships\n`,
    );
  return folder;
};

process.once('SIGINT', () => void stop(0));
process.once('SIGTERM', () => void stop(0));

try {
  const settings = readEnvironment(settingsSchema);
  const { WEB_PORT, WAS_PORT, ENDPOINT_PORT } = await reservePorts(settings, settings.HOST);
  process.stdout.write('Starting Bloomstack on this machine:\n');
  const host = ['0.0.0.0', '::'].includes(settings.HOST) ? '127.0.0.1' : settings.HOST;
  const here = (port: number) => `http://${host}:${port}`;
  const MODEL_DIR = await modelFolder(settings);
  await Promise.all([
    start('endpoint', ENDPOINT_PORT, settings, { ENDPOINT_NAME: ENDPOINT.name, MODEL_DIR }),
    start('was', WAS_PORT, settings, {
      ...LOCAL_AWS,
      AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: here(ENDPOINT_PORT),
    }),
    start('web', WEB_PORT, settings, { WAS_URL: here(WAS_PORT) }),
  ]);
  if (settings.MODEL_DIR === undefined) await recordStandIn(MODEL_DIR, here(ENDPOINT_PORT));
  process.stdout.write(`Ready: open ${here(WEB_PORT)} (Ctrl-C stops everything)\n`);
} catch (error) {
  if (!stopping) process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  await stop(1);
}
