import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { RequestError } from '@hono/node-server';
import { ProblemError, problemBody } from './problem.ts';

/** Problems of what never becomes a request that a service could answer. */

const HEADERS = { 'Content-Type': 'application/problem+json', Connection: 'close' };

const malformed = (whatIsWrong: string) =>
  new ProblemError('malformed-request', `This is no HTTP request that can be read: ${whatIsWrong}.`);

const problemOf = (code: string | undefined): ProblemError => {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const advice = 'Send a smaller version of the photo, or try again where the connection is better.';
    return new ProblemError('too-slow', `The request did not arrive in time. ${advice}`);
  }
  return malformed(code === 'HPE_HEADER_OVERFLOW' ? 'its headers are too large' : `${code}`);
};

/** Answers what Node's parser gives up on, which goes to the server's event `clientError`. */
export const refuseUnreadable = (error: NodeJS.ErrnoException, socket: Duplex): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(error.code);
  const body = JSON.stringify(problemBody(problem));
  const headers = Object.entries({ ...HEADERS, 'Content-Length': Buffer.byteLength(body) });
  const lines = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
};

/** Answers a request whose target and Host make no URL, with which the adapter does not bother a service. */
export const refuseTarget = (error: unknown): Response => {
  if (!(error instanceof RequestError)) throw error;
  const problem = malformed('its target and its header Host make no URL');
  return new Response(JSON.stringify(problemBody(problem)), { status: problem.status, headers: HEADERS });
};
