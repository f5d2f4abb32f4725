import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';

export interface Received {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** A server that notes what it receives and answers as it is told, in moto's place. */
export const startFakeUpstream = async (reply: (received: Received) => Reply) => {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const { method, url: path, headers, rawHeaders } = request;
    const noted = { method, path, headers, rawHeaders, body: await buffer(request) };
    received.push(noted);
    const { status = 200, headers: answered = {}, body } = reply(noted);
    response.writeHead(status, { ...answered, connection: 'close' }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('The fake upstream listens on no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    received,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
};
