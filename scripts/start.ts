import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { renderUnicodeCompact } from 'uqr';
import { z } from 'zod';
import { ENDPOINT, WAS, WEB } from '../services/contract.ts';
import { modelsToServe } from '../services/endpoint/model-folder.ts';
import { readEnvironment } from '../services/http/environment.ts';
import { print, runCommand } from './shared/cli.ts';
import { endpointFolder, ROOT } from './shared/paths.ts';
import { environmentWithoutAws, LOCAL_AWS, ServiceProcess } from './shared/processes.ts';
import { forgetRunningEndpoint, prepareServedModel, recordRunningEndpoint } from './shared/served-model.ts';

/**
 * Runs the whole system on this machine: the endpoint emulator, the application service and the web service, each a
 * process of its own. What differs from AWS is in their environment only.
 */

const HEAD = `Usage: npm start [-- --host]

Runs the whole system on this machine, until Ctrl-C. Environment variables:

  WEB_PORT, WAS_PORT, ENDPOINT_PORT   where the services listen (${WEB.port}, ${WAS.port}, ${ENDPOINT.port}); 0 takes a free port
  HOST                                address to listen on (127.0.0.1)
  LOG_LEVEL                           of the services (warn)
  MODEL_DIR                           models to serve; without it the one that ships, or the latest that
                                      npm run pipeline has deployed
`;

const options = z.strictObject({
  host: z
    .literal(true)
    .optional()
    .meta({ description: 'opens the page to the network, and shows its address for a phone' }),
});

const port = (standard: number) => z.coerce.number().int().min(0).max(65535).default(standard);

const settingsSchema = z.object({
  WEB_PORT: port(WEB.port),
  WAS_PORT: port(WAS.port),
  ENDPOINT_PORT: port(ENDPOINT.port),
  HOST: z.string().min(1).default('127.0.0.1'),
  LOG_LEVEL: z.string().default('warn'),
  MODEL_DIR: z.string().optional(),
});

type Settings = z.infer<typeof settingsSchema>;

/** Takes a port for a moment; resolves to its number, or to undefined when another process has it. */
const probe = (port: number, host: string) =>
  new Promise<number | undefined>((resolve) => {
    const server = createServer()
      .once('error', () => resolve(undefined))
      .listen(port, host, () => {
        const address = server.address();
        server.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
      });
  });

/**
 * The ports to use, with a number for 0: each service can be given the others' addresses before they listen.
 *
 * @throws Error with a line for each busy port that names the variable that moves it
 */
const reservePorts = async ({ HOST, ...ports }: Settings): Promise<number[]> => {
  const reserved: number[] = [];
  const busy: string[] = [];
  for (const variable of ['WEB_PORT', 'WAS_PORT', 'ENDPOINT_PORT'] as const) {
    const port = ports[variable];
    const free = await probe(port, HOST);
    if (free !== undefined) reserved.push(free);
    else
      busy.push(
        `Port ${port} is already in use. Choose another with ${variable}, for example: ${variable}=${port + 10} npm start`,
      );
  }
  if (busy.length > 0) throw new Error(busy.join('\n'));
  return reserved;
};

/** A laptop that is busy, or starts, is slower than the machine of an endpoint. */
const LOCAL_TIMEOUT_MS = '10000';

const services: ServiceProcess[] = [];
let stopping = false;

const stopAll = async (): Promise<void> => {
  stopping = true;
  await Promise.all([...services.map((service) => service.stop()), forgetRunningEndpoint(endpointFolder())]);
};

/** Starts a service; resolves to where it listens. */
const startService = async (
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
        `The service ${name} has ended. The others continue; start it again with: ${models}PORT=${port} npm run start:${name}\n`,
      );
    },
  });
  services.push(service);
  const url = await service.ready;
  print(`  ${name.padEnd(8)} ${url} (process ${service.pid})`);
  return url;
};

/** The folder that the endpoint is to serve; prints which model is in the pipeline's. */
const modelFolder = async ({ MODEL_DIR }: Settings): Promise<string> => {
  if (MODEL_DIR !== undefined) {
    await modelsToServe({ directory: MODEL_DIR });
    return MODEL_DIR;
  }
  const folder = endpointFolder();
  const { version, deployed } = await prepareServedModel(folder);
  if (deployed)
    print(
      `  serving model ${version}, which npm run pipeline has deployed; remove ${path.relative(ROOT, folder)} to go back to the one that ships`,
    );
  return folder;
};

/** Where other devices of the network reach this machine. */
const printNetworkAddresses = (port: number): void => {
  const [first, ...others] = Object.values(networkInterfaces())
    .flatMap((addresses = []) => addresses.filter(({ family, internal }) => family === 'IPv4' && !internal))
    .map(({ address }) => `http://${address}:${port}`);
  if (first === undefined) print('This machine is in no network.');
  else
    print(
      `From a phone in the same network: ${[first, ...others].join(' or ')}\n${renderUnicodeCompact(first)}`,
    );
};

const startAll = async (isOpen: boolean): Promise<void> => {
  const settings = readEnvironment(settingsSchema);
  // Only the page is for others: the services behind it stay on this machine.
  const ofWeb = isOpen ? { ...settings, HOST: '0.0.0.0' } : settings;
  const [web = 0, was = 0, endpoint = 0] = await reservePorts(settings);
  print('Starting Bloomstack on this machine:');
  const host = ['0.0.0.0', '::'].includes(settings.HOST) ? '127.0.0.1' : settings.HOST;
  const here = (port: number) => `http://${host}:${port}`;
  const MODEL_DIR = await modelFolder(settings);
  await Promise.all([
    startService('endpoint', endpoint, settings, { ENDPOINT_NAME: ENDPOINT.name, MODEL_DIR }),
    startService('was', was, settings, {
      ...LOCAL_AWS,
      AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: here(endpoint),
      ENDPOINT_TIMEOUT_MS: process.env['ENDPOINT_TIMEOUT_MS'] ?? LOCAL_TIMEOUT_MS,
    }),
    startService('web', web, ofWeb, { WAS_URL: here(was) }),
  ]);
  if (settings.MODEL_DIR === undefined) await recordRunningEndpoint(MODEL_DIR, here(endpoint));
  if (isOpen) printNetworkAddresses(web);
  print(`Ready: open ${here(web)} (Ctrl-C stops everything)`);
};

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    if (!stopping) void stopAll().then(() => process.exit(0));
  });

await runCommand({ head: HEAD, options }, async ({ host = false }) => {
  try {
    await startAll(host);
  } catch (error) {
    // A service that was stopped did not start; that is no error.
    if (stopping) return 0;
    await stopAll();
    throw error;
  }
  return 0;
});
