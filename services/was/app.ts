import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { Context } from 'hono';
import type { Logger } from 'pino';
import { PATHS, WAS_HEALTH } from '../contract.ts';
import { type App, type AppEnvironment, createApp } from '../http/app.ts';
import { requestedLanguage } from '../http/language.ts';
import type { Metrics } from '../http/metrics.ts';
import { buildAnswer } from './answer.ts';
import type { Classification, Classifier } from './classifier.ts';
import { clientAddress } from './client-address.ts';
import { Decoder } from './decoder.ts';
import { overloaded, WorkQueue } from './queue.ts';
import { ClientGone, RequestScope } from './request-scope.ts';
import { readUpload } from './upload.ts';
import { Uploads } from './uploads.ts';

export interface WasAppOptions {
  readonly log: Logger;
  readonly classifier: Classifier;
  /** @default - requests are not counted */
  readonly metrics?: Metrics;
  /** @default - as many places as there are processors, 2 at most */
  readonly decoder?: Decoder;
  /** Photos with the model; the others wait here, where no clock runs against them. @default - 16 at most side by side */
  readonly invocations?: WorkQueue;
  /** Bodies in memory. @default - 128 MiB */
  readonly uploads?: Uploads;
  /** Who would have to wait for longer than this, in milliseconds, is refused at once. @default 10_000 */
  readonly maxWaitMs?: number;
}

/** From the end of an upload to its answer: less than `web` waits. */
const ANSWER_MS = 18_000;

/** nginx's status for a client that did not wait; only the access log shows it. */
const CLIENT_CLOSED_REQUEST = 499;

/** The body as Node has it, where there is a server; tests have none. */
const bodyOf = (request: Request, incoming: IncomingMessage | undefined): Readable =>
  incoming ?? (request.body ? Readable.fromWeb(request.body) : Readable.from([]));

/**
 * The application service: checks a photo, invokes the model, and answers with the flower's name and description.
 *
 * @example
 * const classes = [{ label: 'rose', probability: 1, names: { en: 'Rose', ko: '장미' } }];
 * const words = { description: { en: 'It has thorns.', ko: '가시가 있습니다.' }, model: {} };
 * const classifier = { classify: async () => ({ classes, words, modelVersion: '7', known: true }) };
 * const app = createWasApp({ log, classifier });
 * const response = await app.request('/classify/image', { method: 'POST', body: photo, headers });
 * (await response.json()).result.name; // => 'Rose'
 */
export const createWasApp = ({
  log,
  metrics,
  classifier,
  decoder = new Decoder(),
  invocations = new WorkQueue({ places: 16, paceMs: 20, targetMs: 500 }),
  uploads = new Uploads({ bytes: 128 * 1024 * 1024 }),
  maxWaitMs = 10_000,
}: WasAppOptions): App => {
  const app = createApp({ log, metrics });

  const refuseWhenLate = (decoding: WorkQueue, cost: number, client: string): void => {
    const ahead = decoder.soon;
    const wait =
      decoding.expectedWaitMs({ client, cost }) + invocations.expectedWaitMs({ client, cost: 1, ahead });
    if (wait > maxWaitMs) throw overloaded('More photos are waiting than can be answered in time.', wait);
  };

  const classify = async (context: Context<AppEnvironment>, scope: RequestScope): Promise<Classification> => {
    const { raw: request } = context.req;
    // Without a server, Hono has no environment at all.
    const incoming = context.env?.incoming;
    const client = clientAddress({
      peer: incoming?.socket.remoteAddress,
      forwardedFor: request.headers.get('X-Forwarded-For'),
    });
    const { signal } = scope;
    refuseWhenLate(decoder.small, 0, client);
    const announced = request.headers.get('Content-Length');
    const { body, release } = await uploads.receive({
      ...{ source: bodyOf(request, incoming), client, signal },
      length: announced === null ? undefined : Number(announced),
    });
    scope.hold(release);
    scope.startDeadline(ANSWER_MS, () => overloaded('The photo had to wait for too long.', maxWaitMs));
    const file = await readUpload({ body, headers: request.headers, signal });
    const plan = decoder.plan(file);
    refuseWhenLate(plan.queue, plan.cost, client);
    const pixels = await decoder.read(file, plan, { client, signal });
    const run = () => classifier.classify(pixels, { signal });
    return invocations.do({ client, cost: 1, signal, run });
  };

  app.get(PATHS.health, (context) => context.json(WAS_HEALTH));
  app.get('/', (context) => context.json({ message: 'connected' }));
  app.post(PATHS.classify, async function classifyPhoto(context) {
    const scope = new RequestScope({ client: context.req.raw.signal });
    try {
      const classification = await classify(context, scope);
      const language = requestedLanguage(context);
      const answer = buildAnswer({ classification, language });
      return context.json(answer, 200, { 'Content-Language': language, Vary: 'Accept-Language' });
    } catch (error) {
      if (!(error instanceof ClientGone)) throw error;
      log.info({ requestId: context.get('requestId') }, error.message);
      return new Response(null, { status: CLIENT_CLOSED_REQUEST });
    } finally {
      scope.end();
    }
  });
  return app;
};
