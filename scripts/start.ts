import { z } from 'zod';
import { ENDPOINT } from '../services/contract/services.ts';
import { readEnvironment } from '../services/http/environment.ts';
import { checkPorts, portsSchema } from './local/ports.ts';
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

const running: ServiceProcess[] = [];
let stopping = false;

const stop = async (exitCode: number): Promise<void> => {
  if (stopping) return;
  stopping = true;
  await Promise.all(running.map((service) => service.stop()));
  process.exit(exitCode);
};

const start = async (
  name: 'endpoint' | 'was' | 'web',
  port: number,
  settings: z.infer<typeof settingsSchema>,
  environment: Record<string, string>,
): Promise<string> => {
  const { HOST, LOG_LEVEL } = settings;
  const service = await ServiceProcess.start({
    name,
    environment: { ...inherited(), HOST, LOG_LEVEL, PORT: String(port), ...environment },
    onExit: () => {
      if (!stopping)
        process.stderr.write(`The service ${name} has ended unexpectedly; stopping the others.\n`);
      void stop(1);
    },
  });
  running.push(service);
  process.stdout.write(`  ${name.padEnd(8)} ${service.url}\n`);
  return service.url;
};

process.once('SIGINT', () => void stop(0));
process.once('SIGTERM', () => void stop(0));

try {
  const settings = readEnvironment(settingsSchema);
  const { WEB_PORT, WAS_PORT, ENDPOINT_PORT, HOST } = settings;
  await checkPorts({ WEB_PORT, WAS_PORT, ENDPOINT_PORT }, HOST);
  process.stdout.write('Starting Bloomstack on this machine:\n');
  const endpointUrl = await start('endpoint', ENDPOINT_PORT, settings, { ENDPOINT_NAME: ENDPOINT.name });
  const wasUrl = await start('was', WAS_PORT, settings, localAws(endpointUrl));
  const webUrl = await start('web', WEB_PORT, settings, { WAS_URL: wasUrl });
  process.stdout.write(`Ready: open ${webUrl} (Ctrl-C stops everything)\n`);
} catch (error) {
  if (!stopping) process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  await stop(1);
}
