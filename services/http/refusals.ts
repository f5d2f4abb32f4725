import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { RequestError } from '@hono/node-server';
import { ProblemError, problemAnswer } from './problem.ts';

/** Refusals of what never becomes a request that an app could answer; in English, since no headers are known. */

const malformed = (whatIsWrong: string) =>
  new ProblemError('malformed-request', `This is not a readable HTTP request: ${whatIsWrong}.`);

/** What Node's parser means by its codes, by their beginning. */
const PARSER_ERRORS: readonly [code: string, whatIsWrong: string][] = [
  ['HPE_INVALID_METHOD', 'its method is not known'],
  ['HPE_INVALID_URL', 'its target is not a URL'],
  ['HPE_INVALID_CONTENT_LENGTH', 'its Content-Length is not one number'],
  ['HPE_UNEXPECTED_CONTENT_LENGTH', 'it has more than one length'],
  [
    'HPE_INVALID_TRANSFER_ENCODING',
    'its Transfer-Encoding does not end with chunked, or comes with a length',
  ],
  ['HPE_INVALID_HEADER_TOKEN', 'one of its headers has a character that is not allowed'],
];

const toParserProblem = (code = ''): ProblemError => {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const advice = 'Send a smaller version of the photo, or try again where the connection is better.';
    return new ProblemError('too-slow', `The request did not arrive in time. ${advice}`);
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    const limit =
      'At most 16 KiB are accepted for the request line and all headers. Send fewer cookies or headers.';
    return new ProblemError('headers-too-large', limit);
  }
  return malformed(
    PARSER_ERRORS.find(([known]) => known === code)?.[1] ?? 'its lines are not those of HTTP/1.1',
  );
};

const refusal = (problem: ProblemError) => {
  const { status, headers, body } = problemAnswer(problem);
  const length = String(Buffer.byteLength(body));
  return { status, headers: { ...headers, 'Content-Length': length, Connection: 'close' }, body };
};

/** The latest request of each connection, and its answer. */
const latest = new WeakMap<Duplex, { incoming: IncomingMessage; outgoing: ServerResponse }>();

export const rememberExchange = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
  latest.set(incoming.socket, { incoming, outgoing });
};

/** Whether a request was answered before its end: what the parser makes of the rest is not answered once more. */
const isAnswered = (socket: Duplex): boolean => {
  const exchange = latest.get(socket);
  return exchange?.outgoing.headersSent === true && !exchange.incoming.complete;
};

/** Refuses what has no {@link ServerResponse}. */
export const refuseOnSocket = (problem: ProblemError, socket: Duplex): void => {
  const { status, headers, body } = refusal(problem);
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
};

/** Answers what Node's parser gives up on, which goes to the server's event `clientError`. */
export const refuseUnreadable = (error: NodeJS.ErrnoException, socket: Duplex): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
  else if (isAnswered(socket)) socket.end(() => socket.destroy());
  else refuseOnSocket(toParserProblem(error.code), socket);
};

/** Answers `CONNECT`, which asks for a tunnel. */
export const refuseTunnel = (_: IncomingMessage, socket: Duplex): void => {
  // Clients that are gone meanwhile.
  socket.on('error', () => socket.destroy());
  const allow = ['GET', 'HEAD', 'POST'];
  refuseOnSocket(new ProblemError('method-not-allowed', 'This server is not a proxy.', { allow }), socket);
};

export const refuse = (problem: ProblemError, outgoing: ServerResponse): void => {
  const { status, headers, body } = refusal(problem);
  outgoing.writeHead(status, headers).end(body);
};

/** Answers a request whose target and Host make no URL: the adapter does not pass it to an app. */
export const refuseTarget = (error: unknown): Response => {
  if (!(error instanceof RequestError)) throw error;
  const { status, headers, body } = refusal(malformed('its target and its header Host make no URL'));
  return new Response(body, { status, headers });
};

/** Answers an `Expect` other than `100-continue` (RFC 9110, 10.1.1). */
export const refuseExpectation = ({ headers }: IncomingMessage, outgoing: ServerResponse): void =>
  refuse(
    new ProblemError('expectation-failed', `"Expect: ${headers.expect}" is not known; only 100-continue is.`),
    outgoing,
  );

/** What Node's parser lets through and HTTP does not (RFC 9112, 3.2 and 6.1), if there is any. */
export const findFault = ({
  headers,
  rawHeaders,
  httpVersion,
}: IncomingMessage): ProblemError | undefined => {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  if (hosts > 1) return malformed('it has more than one header Host');
  if (hosts === 0 && httpVersion !== '1.0') return malformed('it has no header Host');
  const coding = headers['transfer-encoding'];
  if (coding === undefined) return undefined;
  if (httpVersion === '1.0') return malformed('HTTP/1.0 has no Transfer-Encoding');
  if (coding.trim().toLowerCase() === 'chunked') return undefined;
  return new ProblemError(
    'unsupported-transfer-coding',
    `Transfer-Encoding ${coding} is not supported; only chunked is, and photos are compressed already.`,
  );
};
