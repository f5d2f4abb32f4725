import { languageDetector } from 'hono/language';
import pLimit from 'p-limit';
import type { Logger } from 'pino';
import { PhotoError } from '../../model/photo/format.ts';
import { readPhoto } from '../../model/photo/read-photo.ts';
import { LANGUAGES, type Language } from '../contract/answer.ts';
import { PATHS, WAS_HEALTH } from '../contract/services.ts';
import { type App, createApp } from '../http/app.ts';
import { inFlightLimit } from '../http/in-flight-limit.ts';
import { ProblemError } from '../http/problem.ts';
import { buildAnswer } from './answer.ts';
import type { Classifier } from './classifier.ts';
import { withBody } from './read-body.ts';
import { readUpload } from './upload.ts';
import { UploadMemory } from './upload-memory.ts';

export interface WasOptions {
  readonly log: Logger;
  readonly classifier: Classifier;
  /** Photos decoded side by side; the worst take 450 MB each, and a task has 1 GiB. @default 1 */
  readonly decoders?: number;
  /** Photos with the model side by side; the others wait here, where no clock runs against them. @default 8 */
  readonly invocations?: number;
  /** Photos that have arrived and are on their way to an answer. @default 32 */
  readonly maxInFlight?: number;
  /** What all uploads may take at once, in bytes. @default 128 MiB; it is held twice for a moment */
  readonly uploadBytes?: number;
}

const toLanguage = (value: unknown): Language => LANGUAGES.find((language) => language === value) ?? 'en';

/** The application service: checks a photo, asks the model, and answers with the flower's name and description. */
export const createWasApp = ({
  log,
  classifier,
  decoders = 1,
  invocations = 8,
  maxInFlight = 32,
  uploadBytes = 128 * 1024 * 1024,
}: WasOptions): App => {
  const app = createApp({ log });
  const decoding = pLimit(decoders);
  const invoking = pLimit(invocations);
  const answering = inFlightLimit(maxInFlight);
  const memory = new UploadMemory(uploadBytes);

  const decode = async (file: Uint8Array): Promise<Uint8Array> => {
    try {
      return await decoding(() => readPhoto(file));
    } catch (error) {
      if (error instanceof PhotoError) throw new ProblemError(error.code, error.message, { cause: error });
      throw error;
    }
  };

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
    async (context) => {
      const { raw } = context.req;
      const classification = await withBody(raw, memory, (body) =>
        answering(async () => {
          const pixels = await decode(await readUpload(body, raw.headers));
          return invoking(() => classifier.classify(pixels));
        }),
      );
      const language = toLanguage(context.get('language'));
      const answer = buildAnswer(classification, language);
      return context.json(answer, 200, { 'Content-Language': language, Vary: 'Accept-Language' });
    },
  );
  return app;
};
