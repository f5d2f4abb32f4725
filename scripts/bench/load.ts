import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

export interface LoadOptions {
  readonly photo: Buffer;
  readonly seconds: number;
  /** A number of clients that wait for each answer, or a rate of photos per second regardless of answers. */
  readonly pace: { readonly clients: number } | { readonly rate: number };
}

const TIMEOUT_MS = 30_000;
/** Client addresses behind a proxy, between which `was` is fair. */
const ADDRESSES = 64;

export const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ??
  Number.NaN;

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Sends photos to a service, as browsers do, and checks its health meanwhile.
 *
 * @returns the number of answers by status, with 0 for none; and the duration of each health check in milliseconds
 */
export const runLoad = async (url: string, { photo, seconds, pace }: LoadOptions) => {
  const agent = new Agent({ keepAlive: true });
  const statuses = new Map<number, number>();
  let sent = 0;
  const send = (headers: Record<string, string | number>, body: Buffer) =>
    new Promise<number>((resolve) => {
      const options = { method: 'POST', headers, agent, timeout: TIMEOUT_MS };
      const outgoing = request(`${url}/classify/image`, options, (answer) => {
        answer.resume().on('close', () => resolve(answer.complete ? (answer.statusCode ?? 0) : 0));
      });
      outgoing.on('timeout', () => outgoing.destroy()).on('error', () => resolve(0));
      outgoing.end(body);
    });
  const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n';
  const form = Buffer.concat([Buffer.from(head), photo, Buffer.from('\r\n--b--\r\n')]);
  const classify = async () => {
    const headers = {
      'Content-Type': 'multipart/form-data; boundary=b',
      'Content-Length': form.length,
      'X-Forwarded-For': `203.0.113.${sent++ % ADDRESSES}`,
    };
    const status = await send(headers, form);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  };
  // The load keeps this process too busy to time anything else.
  const watch = fileURLToPath(new URL('health-watch.ts', import.meta.url));
  const healthWatch = fork(watch, [`${url}/health`], { execArgv: ['--import', 'tsx'] });
  await once(healthWatch, 'message');
  const started = performance.now();
  const isOver = () => performance.now() > started + seconds * 1000;
  const sendInTurn = async () => {
    while (!isOver()) await classify();
  };
  const sendAtRate = async (rate: number) => {
    const all: Promise<void>[] = [];
    while (!isOver()) {
      while (all.length < ((performance.now() - started) / 1000) * rate) all.push(classify());
      await sleep(2);
    }
    await Promise.all(all);
  };
  const photos = 'rate' in pace ? [sendAtRate(pace.rate)] : Array.from({ length: pace.clients }, sendInTurn);
  await Promise.all(photos);
  const lasted = performance.now() - started;
  agent.destroy();
  healthWatch.send('over');
  const healthTimes = z.array(z.number()).parse((await once(healthWatch, 'message'))[0]);
  return { statuses, seconds: lasted / 1000, healthTimes };
};
