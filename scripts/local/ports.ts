import { createServer } from 'node:net';
import { z } from 'zod';
import { ENDPOINT, WAS, WEB } from '../../services/contract/services.ts';

const port = (standard: number) => z.coerce.number().int().min(0).max(65535).default(standard);

/** The ports of the local system; 0 takes a free one. */
export const portsSchema = z.object({
  WEB_PORT: port(WEB.port),
  WAS_PORT: port(WAS.port),
  ENDPOINT_PORT: port(ENDPOINT.port),
});

const isFree = (port: number, host: string) =>
  new Promise<boolean>((resolve) => {
    const probe = createServer()
      .once('error', () => resolve(false))
      .listen(port, host, () => probe.close(() => resolve(true)));
  });

/** @throws Error with one line that names the busy port and the variable that moves it */
export const checkPorts = async (ports: z.infer<typeof portsSchema>, host: string): Promise<void> => {
  for (const [variable, port] of Object.entries(ports)) {
    if (port === 0 || (await isFree(port, host))) continue;
    throw new Error(
      `Port ${port} is already in use. Choose another with ${variable}, for example: ${variable}=${port + 10} npm start`,
    );
  }
};
