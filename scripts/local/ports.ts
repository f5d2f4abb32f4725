import { createServer } from 'node:net';
import { z } from 'zod';
import { ENDPOINT, WAS, WEB } from '../../services/contract.ts';

const port = (standard: number) => z.coerce.number().int().min(0).max(65535).default(standard);

/** The ports of the local system; 0 takes a free one. */
export const portsSchema = z.object({
  WEB_PORT: port(WEB.port),
  WAS_PORT: port(WAS.port),
  ENDPOINT_PORT: port(ENDPOINT.port),
});

export type Ports = z.infer<typeof portsSchema>;

/** Takes a port for a moment; resolves to its number, or to undefined when somebody else has it. */
const probe = (port: number, host: string) =>
  new Promise<number | undefined>((resolve) => {
    const server = createServer()
      .once('error', () => resolve(undefined))
      .listen(port, host, () => {
        const address = server.address();
        server.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
      });
  });

const reserve = async (variable: keyof Ports, port: number, host: string): Promise<number> => {
  const free = await probe(port, host);
  if (free !== undefined) return free;
  throw new Error(
    `Port ${port} is already in use. Choose another with ${variable}, for example: ${variable}=${port + 10} npm start`,
  );
};

/**
 * The ports to use, with a number for every 0: each service can then be told of the others before they listen.
 *
 * @throws Error with one line that names the busy port and the variable that moves it
 */
export const reservePorts = async (
  { WEB_PORT, WAS_PORT, ENDPOINT_PORT }: Ports,
  host: string,
): Promise<Ports> => ({
  WEB_PORT: await reserve('WEB_PORT', WEB_PORT, host),
  WAS_PORT: await reserve('WAS_PORT', WAS_PORT, host),
  ENDPOINT_PORT: await reserve('ENDPOINT_PORT', ENDPOINT_PORT, host),
});
