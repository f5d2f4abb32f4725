import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { masked } from './commands.ts';

/** Requests as they are, without what `fetch` adds, and answers as they are compared. */

export interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent without its length if `Transfer-Encoding` is among the headers. */
  readonly body?: Buffer;
}

export type Requests = Readonly<Record<string, Asked>>;

export const sha256 = (content: string | Uint8Array): string =>
  createHash('sha256').update(content).digest('hex');

const VOLATILE = new Set(['connection', 'date', 'keep-alive']);

const compared = (text: string): unknown => {
  try {
    const json: unknown = JSON.parse(text);
    // Only if nothing of it is lost on the way.
    if (JSON.stringify(json) === text) return json;
  } catch {
    // Then it is compared as text.
  }
  return text.length > 500 ? { bytes: Buffer.byteLength(text), sha256: sha256(text) } : text;
};

const answerOf = async (incoming: IncomingMessage) => ({
  status: incoming.statusCode,
  headers: Object.fromEntries(
    Object.entries(incoming.headers)
      .filter(([name]) => !VOLATILE.has(name))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  ),
  body: compared(masked(String(await buffer(incoming)))),
});

const ask = (base: string, { method = 'GET', path, headers = {}, body }: Asked): Promise<unknown> =>
  new Promise((resolve) => {
    const length =
      body === undefined || 'Transfer-Encoding' in headers ? {} : { 'Content-Length': body.length };
    const outgoing = request(base, {
      ...{ method, path, agent: false },
      headers: { 'X-Request-Id': 'baseline', ...length, ...headers },
    });
    outgoing.once('response', async (incoming) => {
      resolve(await answerOf(incoming).catch((error: unknown) => masked(`broke off: ${error}`)));
      outgoing.destroy();
    });
    outgoing.on('error', (error) => resolve(masked(`no answer: ${error.message}`)));
    // What is announced and refused at once is not sent, for then the answer may be lost.
    if ('Content-Length' in headers) outgoing.flushHeaders();
    else outgoing.end(body);
  });

/** The answers, by the requests' names; one after the other, so that none waits for another. */
export const answersTo = async (requests: Requests, base: string): Promise<Record<string, unknown>> => {
  const answers: Record<string, unknown> = {};
  for (const [name, asked] of Object.entries(requests)) answers[name] = await ask(base, asked);
  return answers;
};

/** What is answered to bytes on a socket, without the head's date. */
export const answersToBytes = async (
  requests: Readonly<Record<string, string>>,
  base: string,
): Promise<Record<string, string[]>> => {
  const answers: Record<string, string[]> = {};
  for (const [name, bytes] of Object.entries(requests)) {
    const socket = connect(Number(new URL(base).port), '127.0.0.1').on('error', () => {});
    socket.write(bytes);
    answers[name] = masked(String(await buffer(socket)))
      .split('\r\n')
      .filter((line) => !/^date:/i.test(line));
  }
  return answers;
};

/** A server that answers as it is told. */
export const fakeServer = async (answer: (asked: IncomingMessage, response: ServerResponse) => void) => {
  const server = createServer((asked, response) => {
    asked.on('error', () => {}).resume();
    answer(asked, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const stop = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}`, stop };
};
