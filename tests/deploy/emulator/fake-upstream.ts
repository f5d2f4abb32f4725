import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { startLocalServer } from '../../../scripts/aws-double/protocol.ts';

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

/** A server that records what it receives and answers with `reply`, in moto's place. */
export const startFakeUpstream = async (reply: (received: Received) => Reply) => {
  const received: Received[] = [];
  const server = await startLocalServer(async (request, response) => {
    const { method, url: path, headers, rawHeaders } = request;
    const noted = { method, path, headers, rawHeaders, body: await buffer(request) };
    received.push(noted);
    const { status = 200, headers: answered = {}, body } = reply(noted);
    response.writeHead(status, { ...answered, connection: 'close' }).end(body);
  });
  return { ...server, received };
};
