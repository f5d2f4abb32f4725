import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import sharp from 'sharp';
import { FREE_PORTS, launch } from '../launch.ts';

/** `npm start` without npm, on ports of its own. */
const start = (environment: Record<string, string> = {}, ...options: string[]) =>
  launch('scripts/start.ts', options, { ...FREE_PORTS, ...environment });

const isListening = (url: string) =>
  fetch(url).then(
    () => true,
    () => false,
  );

const photo = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } })
  .png()
  .toBuffer();

/** With --host the page alone is open to the network, and a phone reads its address. */
const checkNetwork = async (web: string, output: string): Promise<void> => {
  const addresses = Object.values(networkInterfaces()).flatMap((found = []) =>
    found.filter(({ internal, family }) => !internal && family === 'IPv4'),
  );
  const [{ address } = { address: undefined }] = addresses;
  if (address === undefined) return assert.match(output, /This machine is not connected to a network/);
  const url = `http://${address}:${new URL(web).port}`;
  assert.match(output, /[█▀▄]{10}/);
  assert.ok(output.includes(`From a phone in the same network: ${url}`));
  assert.equal(await isListening(url), true);
  const [, was = ''] = /was +http:\/\/127\.0\.0\.1:(\d+)/.exec(output) ?? [];
  assert.equal(await isListening(`http://${address}:${was}`), false);
};

const urlsIn = (output: string): string[] => output.match(/http:\/\/127\.0\.0\.1:\d+/g) ?? [];

const untilSilent = async (urls: readonly string[]): Promise<void> => {
  while ((await Promise.all(urls.map(isListening))).includes(true))
    await new Promise((resolve) => setTimeout(resolve, 100));
};

test('it says when it is ready and where, and answers a photo; a service that ends leaves the others, and none outlives a killed start', async () => {
  const { end, until, output } = start({}, '--host');
  const web = await until(/Ready: open (\S+)/);
  const urls = urlsIn(output());
  assert.equal(new Set(urls).size, 3);
  const post = { method: 'POST', headers: { 'Content-Type': 'image/png' }, body: new Uint8Array(photo) };
  assert.equal((await fetch(`${web}/classify/image`, post)).status, 200);
  await checkNetwork(web, output());
  const [, endpoint = '', pid] = /endpoint (\S+) \(process (\d+)\)/.exec(output()) ?? [];
  process.kill(Number(pid), 'SIGKILL');
  const port = new URL(endpoint).port;
  await until(new RegExp(`The service endpoint has exited\\. .*PORT=${port} npm run start:endpoint`));
  assert.equal((await fetch(`${web}/was/health`)).status, 200);
  await end('SIGKILL');
  await untilSilent(urls);
});

test('Ctrl-C ends every process, even while they start', async () => {
  const { end, until, output } = start();
  await until(/web +\S+ /);
  assert.equal(await end('SIGINT'), 0, output());
  for (const url of urlsIn(output())) assert.equal(await isListening(url), false);
});

test('a busy port is a line that names the port and the variable that moves it', async () => {
  const occupant = createServer().listen(0, '127.0.0.1');
  await once(occupant, 'listening');
  const address = occupant.address();
  const port = String(typeof address === 'object' && address ? address.port : 0);
  try {
    const { end, output } = start({ WEB_PORT: port, WAS_PORT: port, ENDPOINT_PORT: port });
    assert.equal(await end(), 1);
    const lines = ['WEB_PORT', 'WAS_PORT', 'ENDPOINT_PORT'].map(
      (variable) => `Port ${port} is already in use\\. .*${variable}=.*\\n`,
    );
    assert.match(output(), new RegExp(`^${lines.join('')}$`));
  } finally {
    occupant.close();
  }
});
