import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { Context } from 'hono';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Language } from '../../model/contract/catalogue.ts';
import { classificationsQuery, PATHS, WAS_HEALTH } from '../contract.ts';
import { type App, type AppEnvironment, createApp } from '../http/app.ts';
import { requestedLanguage } from '../http/language.ts';
import type { Measurements, Metrics } from '../http/metrics.ts';
import { ProblemError } from '../http/problem.ts';
import type { EarlyCheck } from '../http/shedding.ts';
import { buildAnswer, buildClassifications, buildModel } from './answer.ts';
import { clientAddress } from './client-address.ts';
import type { Classified, PhotoClassifier, PhotoRequest } from './photo-classifier.ts';
import { RequestScope } from './request-scope.ts';
import { MANY_PHOTOS, ONE_PHOTO, type UploadKind } from './upload.ts';

export interface WasAppOptions {
  readonly log: Logger;
  readonly photos: PhotoClassifier;
  /** @default - requests are not counted */
  readonly metrics?: Metrics;
}

const wrongQuery = ({ issues }: z.ZodError): ProblemError => {
  const wrong = issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  return new ProblemError('malformed-request', `The query is wrong: ${wrong}. Correct it, or leave it out.`, {
    korean: `쿼리가 잘못되었습니다(${wrong}). 고치거나 빼고 보내 주세요.`,
  });
};

/** Records the outcome of the photos for the log and the metrics. */
const measure = (measured: Measurements, { outcomes, timings }: Classified): void => {
  const answers = outcomes.flatMap((outcome) => ('error' in outcome ? [] : [outcome.classification]));
  const known = answers.filter((answer) => answer.known);
  const modelVersion = answers.at(-1)?.modelVersion;
  const { receive, decode, invoke } = timings;
  Object.assign(measured, {
    ...{ receive, decode, invoke },
    photos: answers.length,
    unknown: answers.length - known.length,
    confidence: known.map(({ classes }) => Math.max(...classes.map(({ probability }) => probability))),
    ...(modelVersion !== undefined && { modelVersion }),
  } satisfies Measurements);
};

const requestClient = (incoming: IncomingMessage | undefined): string =>
  clientAddress({
    peer: incoming?.socket.remoteAddress,
    forwardedFor: incoming?.headers['x-forwarded-for']?.toString(),
  });

/** Refuses photos while more are waiting than can be classified in time. */
export const refuseEarly =
  (photos: PhotoClassifier): EarlyCheck =>
  (incoming) =>
    incoming.method === 'POST' ? photos.refusal(requestClient(incoming)) : undefined;

/** Node's own stream if there is a server; tests have none. */
const bodyStream = (request: Request, incoming: IncomingMessage | undefined): Readable =>
  incoming ?? (request.body ? Readable.fromWeb(request.body) : Readable.from([]));

/**
 * The application service: checks a photo, invokes the model, and answers with the flower's name and description.
 *
 * @example
 * const classes = [{ label: 'rose', probability: 1, names: { en: 'Rose', ko: '장미' } }];
 * const words = { description: { en: 'It has thorns.', ko: '가시가 있습니다.' }, model: {} };
 * const classifier = { classify: async () => [{ classes, words, modelVersion: '7', known: true }] };
 * const app = createWasApp({ log, photos: new PhotoClassifier({ classifier }) });
 * const response = await app.request('/classify/image', { method: 'POST', body: photo, headers });
 * (await response.json()).result.name; // => 'Rose'
 */
export const createWasApp = ({ log, metrics, photos }: WasAppOptions): App => {
  const app = createApp({ log, metrics });

  /** Runs a handler whose work ends when its client disconnects. */
  const withScope = async (
    context: Context<AppEnvironment>,
    answer: (request: PhotoRequest) => Promise<Response>,
  ): Promise<Response> => {
    const { raw } = context.req;
    // Hono has no environment at all without a server.
    const incoming = context.env?.incoming;
    const client = requestClient(incoming);
    const scope = new RequestScope({ client: raw.signal });
    try {
      const requestId = context.get('requestId');
      const source = bodyStream(raw, incoming);
      return await answer({ client, requestId, scope, headers: raw.headers, source });
    } finally {
      scope.end();
    }
  };

  /** Classifies the photos of a request, and answers in its language. */
  const classify = (
    context: Context<AppEnvironment>,
    kind: UploadKind,
    toAnswer: (classified: Classified, language: Language) => object | Promise<object>,
  ): Promise<Response> =>
    withScope(context, async (request) => {
      const classified = await photos.classify(request, kind);
      const language = requestedLanguage(context.req.header('Accept-Language'));
      const answer = await toAnswer(classified, language);
      measure(context.get('measured'), classified);
      const { receive, decode, invoke, total } = classified.timings;
      return context.json(answer, 200, {
        'Content-Language': language,
        Vary: 'Accept-Language',
        'Server-Timing': `receive;dur=${receive}, decode;dur=${decode}, invoke;dur=${invoke}, total;dur=${total}`,
        'X-Photos': String(classified.outcomes.length),
      });
    });

  app.get(PATHS.health, (context) => context.json(WAS_HEALTH));
  app.get('/', (context) => context.json({ message: 'connected' }));
  app.post(PATHS.classify, (context) =>
    classify(context, ONE_PHOTO, ({ outcomes: [outcome] }, language) => {
      if (!outcome || 'error' in outcome) throw outcome?.error;
      const { classification } = outcome;
      const map = context.req.query('map') === 'true' ? classification.map : undefined;
      return { ...buildAnswer({ classification, language }), map };
    }),
  );
  app.post(PATHS.classifications, (context) => {
    const query = classificationsQuery.safeParse(context.req.query());
    if (!query.success) throw wrongQuery(query.error);
    const options = { ...query.data, requestId: context.get('requestId') };
    return classify(context, MANY_PHOTOS, (classified, language) =>
      buildClassifications({ ...classified, ...options, language }),
    );
  });
  app.get(PATHS.model, (context) =>
    withScope(context, async ({ client, scope: { signal } }) => {
      const model = buildModel(await photos.describeModel({ client, signal }));
      return context.json(model, 200, { 'Cache-Control': 'no-cache' });
    }),
  );
  return app;
};
