import { languageDetector } from 'hono/language';
import pLimit from 'p-limit';
import type { Logger } from 'pino';
import { PhotoError } from '../../model/photo/format.ts';
import { readPhoto } from '../../model/photo/read-photo.ts';
import { LANGUAGES, type Language, PATHS, WAS_HEALTH } from '../contract.ts';
import { type App, createApp } from '../http/app.ts';
import { ProblemError } from '../http/problem.ts';
import { buildAnswer } from './answer.ts';
import { readBody } from './body.ts';
import type { Classifier } from './classifier.ts';
import { inFlightLimit, MemoryBudget } from './overload.ts';
import { readUpload } from './upload.ts';

export interface WasAppOptions {
  readonly log: Logger;
  readonly classifier: Classifier;
  /** Photos decoded side by side; the worst take 450 MB each, and a task has 1 GiB. @default 1 */
  readonly decoders?: number;
  /** Photos with the model side by side; the others wait here, where no clock runs against them. @default 8 */
  readonly invocations?: number;
  /** Photos that have arrived and are on their way to an answer. @default 32 */
  readonly maxInFlight?: number;
  /** All uploads together, in bytes. @default 128 MiB; it is held twice for a moment */
  readonly uploadBytes?: number;
}

const toLanguage = (value: unknown): Language => LANGUAGES.find((language) => language === value) ?? 'en';

const decodePhoto = async (file: Uint8Array): Promise<Uint8Array> => {
  try {
    return await readPhoto(file);
  } catch (error) {
    if (error instanceof PhotoError) throw new ProblemError(error.code, error.message, { cause: error });
    throw error;
  }
};

/**
 * The application service: checks a photo, invokes the model, and answers with the flower's name and description.
 *
 * @example
 * const classes = [{ label: 'rose', probability: 1 }];
 * const classifier = { classify: async () => ({ classes, modelVersion: '7', known: true }) };
 * const app = createWasApp({ log, classifier });
 * const response = await app.request('/classify/image', { method: 'POST', body: photo, headers });
 * (await response.json()).result.name; // => 'Rose'
 */
export const createWasApp = ({
  log,
  classifier,
  decoders = 1,
  invocations = 8,
  maxInFlight = 32,
  uploadBytes = 128 * 1024 * 1024,
}: WasAppOptions): App => {
  const app = createApp({ log });
  const decoding = pLimit(decoders);
  const invoking = pLimit(invocations);
  const answering = inFlightLimit({ max: maxInFlight });
  const memory = new MemoryBudget({ bytes: uploadBytes });

  app.get(PATHS.health, (context) => context.json(WAS_HEALTH));
  app.get('/', (context) => context.json({ message: 'connected' }));
  app.post(
    PATHS.classify,
    languageDetector({
      order: ['header'],
      supportedLanguages: [...LANGUAGES],
      fallbackLanguage: 'en',
      caches: false,
    }),
    async function classifyPhoto(context) {
      const { raw: request } = context.req;
      const classify = async (body: Buffer) => {
        const file = await readUpload({ body, headers: request.headers });
        const pixels = await decoding(() => decodePhoto(file));
        return invoking(() => classifier.classify(pixels));
      };
      const classification = await readBody({
        request,
        memory,
        use: (body) => answering(() => classify(body)),
      });
      const language = toLanguage(context.get('language'));
      const answer = buildAnswer({ classification, language });
      return context.json(answer, 200, { 'Content-Language': language, Vary: 'Accept-Language' });
    },
  );
  return app;
};
