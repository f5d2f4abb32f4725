import { z } from 'zod';
import { ENDPOINT } from '../services/contract/services.ts';
import { readEnvironment } from '../services/http/environment.ts';
import { portsSchema, reservePorts } from './local/ports.ts';
import { ServiceProcess } from './local/service-process.ts';

/**
 * Runs the whole system on this machine: the endpoint stand-in, the application service and the web service, each a
 * process of its own. What differs from AWS is in their environment only.
 */

const settingsSchema = portsSchema.extend({
  HOST: z.string().min(1).default('127.0.0.1'),
  LOG_LEVEL: z.string().default('warn'),
});

/**
 * The AWS SDK's standard variables, pointed at the stand-in. The credentials are made up and a profile is taken away,
 * so that real ones never leave the machine.
 */
const localAws = (endpointUrl: string) => ({
  AWS_REGION: 'ap-northeast-2',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: endpointUrl,
  // Its advice to leave Node 20 is for those who run the cloud, not for who tries this out.
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
});

const inherited = (): Record<string, string> => {
  const withoutAws = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  return Object.fromEntries(
    withoutAws.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
};

const services: ServiceProcess[] = [];
let stopping = false;

const stop = async (exitCode: number): Promise<void> => {
  if (stopping) return;
  stopping = true;
  await Promise.all(services.map((service) => service.stop()));
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
    environment: { ...inherited(), HOST, LOG_LEVEL, PORT: String(port), ...environment },
    onExit: () => {
      if (stopping) return;
      process.stderr.write(
        `The service ${name} has ended. The others go on; start it again with: PORT=${port} npm run start:${name}\n`,
      );
    },
  });
  services.push(service);
  const url = await service.ready;
  process.stdout.write(`  ${name.padEnd(8)} ${url} (process ${service.pid})\n`);
  return url;
};

process.once('SIGINT', () => void stop(0));
process.once('SIGTERM', () => void stop(0));

try {
  const settings = readEnvironment(settingsSchema);
  const { WEB_PORT, WAS_PORT, ENDPOINT_PORT } = await reservePorts(settings, settings.HOST);
  process.stdout.write('Starting Bloomstack on this machine:\n');
  const host = ['0.0.0.0', '::'].includes(settings.HOST) ? '127.0.0.1' : settings.HOST;
  const here = (port: number) => `http://${host}:${port}`;
  await Promise.all([
    start('endpoint', ENDPOINT_PORT, settings, { ENDPOINT_NAME: ENDPOINT.name }),
    start('was', WAS_PORT, settings, localAws(here(ENDPOINT_PORT))),
    start('web', WEB_PORT, settings, { WAS_URL: here(WAS_PORT) }),
  ]);
  process.stdout.write(`Ready: open ${here(WEB_PORT)} (Ctrl-C stops everything)\n`);
} catch (error) {
  if (!stopping) process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  await stop(1);
}
