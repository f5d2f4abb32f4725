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
 * Runs the whole system on this machine: the endpoint emulator, the application service and the web service, each in
 * its own process. Only their environment differs from AWS.
 */

const HEAD = `Usage: npm start [-- --host]

Runs the whole system on this machine until Ctrl-C. Environment variables:

  WEB_PORT, WAS_PORT, ENDPOINT_PORT   where the services listen (${WEB.port}, ${WAS.port}, ${ENDPOINT.port}); 0 picks a free port
  HOST                                address to listen on (127.0.0.1)
  LOG_LEVEL                           log level of the services (warn)
  MODEL_DIR                           models to serve (the model deployed by npm run pipeline, or else the
                                      default model)
`;

const options = z.strictObject({
  host: z
    .literal(true)
    .optional()
    .meta({ description: 'makes the page available in the network, and shows its address for a phone' }),
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

/** Opens a port for a moment. Resolves to its number, or to undefined if it is in use. */
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
 * Chooses the ports, with actual numbers in place of 0: each service needs the others' addresses before they listen.
 *
 * @throws Error with a line for each port in use that names its variable
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

/** A busy laptop is slower than an endpoint's instance. */
const LOCAL_TIMEOUT_MS = '10000';

const services: ServiceProcess[] = [];
let stopping = false;

const stopAll = async (): Promise<void> => {
  stopping = true;
  await Promise.all([...services.map((service) => service.stop()), forgetRunningEndpoint(endpointFolder())]);
};

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
        `The service ${name} has exited. The others keep running; start it again with: ${models}PORT=${port} npm run start:${name}\n`,
      );
    },
  });
  services.push(service);
  const url = await service.ready;
  print(`  ${name.padEnd(8)} ${url} (process ${service.pid})`);
  return url;
};

/** The model folder to serve. Says so if its model was deployed by the pipeline. */
const modelFolder = async ({ MODEL_DIR }: Settings): Promise<string> => {
  if (MODEL_DIR !== undefined) {
    await modelsToServe({ directory: MODEL_DIR });
    return MODEL_DIR;
  }
  const folder = endpointFolder();
  const { version, deployed } = await prepareServedModel(folder);
  if (deployed)
    print(
      `  serving model ${version}, deployed by npm run pipeline; remove ${path.relative(ROOT, folder)} to return to the default model`,
    );
  return folder;
};

/** Prints the addresses at which other devices in the network reach the page. */
const printNetworkAddresses = (port: number): void => {
  const [first, ...others] = Object.values(networkInterfaces())
    .flatMap((addresses = []) => addresses.filter(({ family, internal }) => family === 'IPv4' && !internal))
    .map(({ address }) => `http://${address}:${port}`);
  if (first === undefined) print('This machine is not connected to a network.');
  else
    print(
      `From a phone in the same network: ${[first, ...others].join(' or ')}\n${renderUnicodeCompact(first)}`,
    );
};

const startAll = async (isOpen: boolean): Promise<void> => {
  const settings = readEnvironment(settingsSchema);
  // Only the page is opened: the services behind it stay local.
  const webSettings = isOpen ? { ...settings, HOST: '0.0.0.0' } : settings;
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
    startService('web', web, webSettings, { WAS_URL: here(was) }),
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
    // Stopping a service before it is ready is not an error.
    if (stopping) return 0;
    await stopAll();
    throw error;
  }
  return 0;
});
