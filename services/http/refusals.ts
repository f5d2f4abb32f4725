import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { RequestError } from '@hono/node-server';
import { ProblemError, problemAnswer } from './problem.ts';

/** Answers to what never becomes a request for the app; in English, because no headers have been read. */

const malformed = (whatIsWrong: string) =>
  new ProblemError('malformed-request', `This is not a readable HTTP request: ${whatIsWrong}.`);

/** Explanations of the error codes of Node's parser. */
const PARSER_ERRORS: readonly [code: string, whatIsWrong: string][] = [
  ['HPE_INVALID_METHOD', 'its method is unknown'],
  ['HPE_INVALID_URL', 'its target is not a URL'],
  ['HPE_INVALID_CONTENT_LENGTH', 'its Content-Length is not a number'],
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
  return malformed(PARSER_ERRORS.find(([known]) => known === code)?.[1] ?? 'it is not valid HTTP/1.1');
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

/** Whether the current request was already answered: errors in the rest of it get no second answer. */
const isAnswered = (socket: Duplex): boolean => {
  const exchange = latest.get(socket);
  return exchange?.outgoing.headersSent === true && !exchange.incoming.complete;
};

/** Writes a problem where there is no {@link ServerResponse}. */
export const refuseOnSocket = (problem: ProblemError, socket: Duplex): void => {
  const { status, headers, body } = refusal(problem);
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
};

/** Handles the server's event `clientError`: what Node's parser cannot read. */
export const refuseUnreadable = (error: NodeJS.ErrnoException, socket: Duplex): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
  else if (isAnswered(socket)) socket.end(() => socket.destroy());
  else refuseOnSocket(toParserProblem(error.code), socket);
};

/** Answers `CONNECT`, which asks for a tunnel. */
export const refuseTunnel = (_: IncomingMessage, socket: Duplex): void => {
  // The client may be gone.
  socket.on('error', () => socket.destroy());
  const allow = ['GET', 'HEAD', 'POST'];
  refuseOnSocket(new ProblemError('method-not-allowed', 'This server is not a proxy.', { allow }), socket);
};

export const refuse = (problem: ProblemError, outgoing: ServerResponse): void => {
  const { status, headers, body } = refusal(problem);
  outgoing.writeHead(status, headers).end(body);
};

/** Answers a request whose target and Host do not form a URL, which the adapter does not pass to the app. */
export const refuseTarget = (error: unknown): Response => {
  if (!(error instanceof RequestError)) throw error;
  const { status, headers, body } = refusal(malformed('its target and its Host header do not form a URL'));
  return new Response(body, { status, headers });
};

/** Answers an `Expect` other than `100-continue` (RFC 9110, 10.1.1). */
export const refuseExpectation = ({ headers }: IncomingMessage, outgoing: ServerResponse): void =>
  refuse(
    new ProblemError(
      'expectation-failed',
      `"Expect: ${headers.expect}" is not supported; only 100-continue is.`,
    ),
    outgoing,
  );

/** Finds what Node's parser accepts but HTTP forbids (RFC 9112, 3.2 and 6.1). */
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
  if (hosts > 1) return malformed('it has more than one Host header');
  if (hosts === 0 && httpVersion !== '1.0') return malformed('it has no Host header');
  const coding = headers['transfer-encoding'];
  if (coding === undefined) return undefined;
  if (httpVersion === '1.0') return malformed('HTTP/1.0 has no Transfer-Encoding');
  if (coding.trim().toLowerCase() === 'chunked') return undefined;
  return new ProblemError(
    'unsupported-transfer-coding',
    `Transfer-Encoding ${coding} is not supported; only chunked is. Photos are already compressed.`,
  );
};
