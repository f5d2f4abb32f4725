import { createServer, type IncomingMessage, type RequestListener, request } from 'node:http';
import type { TestContext } from 'node:test';
import { type Logger, pino } from 'pino';
import { type Problem, problemSchema } from '../contract.ts';
import { startServer } from '../http/server.ts';
import { createWebApp, type WebAppOptions } from './app.ts';

/** pino's number for `error`. */
export const ERROR_LEVEL = 50;

/** A log whose lines a test can read. */
export const recordedLog = (): { log: Logger; lines: { level: number; msg: string; status?: number }[] } => {
  const lines: { level: number; msg: string; status?: number }[] = [];
  return { lines, log: pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) }) };
};

/** The web service without sockets. */
export const webApp = (options: Partial<WebAppOptions> = {}) =>
  createWebApp({ log: recordedLog().log, wasUrl: 'http://was.test', version: '1.2.3', ...options });

/** A WAS on a real socket that answers as the test says. */
export const startFakeWas = async (t: TestContext, listener: RequestListener): Promise<string> => {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server listens on no TCP port.');
  return `http://127.0.0.1:${address.port}`;
};

/** The web service on a real socket. */
export const startWeb = async (t: TestContext, options: Partial<WebAppOptions>): Promise<string> => {
  const log = pino({ level: 'silent' });
  const server = await startServer({ fetch: webApp(options).fetch, port: 0, hostname: '127.0.0.1', log });
  t.after(() => server.stop(0));
  return server.url;
};

/** A chunked upload that the test sends piece by piece. */
export const startUpload = (webUrl: string) => {
  const upload = request(`${webUrl}/classify/image`, {
    method: 'POST',
    headers: { 'Content-Type': 'multipart/form-data; boundary=x', 'Transfer-Encoding': 'chunked' },
  });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    upload.once('response', resolve);
    upload.once('error', reject);
  });
  return { upload, answer };
};

/** Reads a problem, and fails when the answer is something else. */
export const readProblem = async (response: Response): Promise<Problem> => {
  const type = response.headers.get('Content-Type');
  if (type !== 'application/problem+json')
    throw new Error(`Expected a problem, got ${type}: ${await response.text()}`);
  return problemSchema.parse(await response.json());
};
