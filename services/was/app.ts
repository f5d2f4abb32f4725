import { bodyLimit } from 'hono/body-limit';
import { languageDetector } from 'hono/language';
import pLimit from 'p-limit';
import type { Logger } from 'pino';
import { PhotoError } from '../../model/photo/errors.ts';
import { MAX_PHOTO_BYTES } from '../../model/photo/limits.ts';
import { readPhoto } from '../../model/photo/read-photo.ts';
import { LANGUAGES, type Language } from '../contract/answer.ts';
import { MAX_BODY_BYTES } from '../contract/body-limit.ts';
import { PATHS, WAS_HEALTH } from '../contract/services.ts';
import { type App, createApp } from '../http/app.ts';
import { inFlightLimit } from '../http/in-flight-limit.ts';
import { ProblemError } from '../http/problem.ts';
import { buildAnswer } from './answer.ts';
import type { Classifier } from './classifier.ts';
import { readUpload } from './upload.ts';

export interface WasOptions {
  readonly log: Logger;
  readonly classifier: Classifier;
  /** Photos decoded side by side; each takes up to 200 MB for a moment. @default 2 */
  readonly decoders?: number;
  /** Photos with the model side by side; the others wait here, where no clock runs against them. @default 8 */
  readonly invocations?: number;
  /** Requests answered side by side. @default 32 */
  readonly maxInFlight?: number;
}

const toLanguage = (value: unknown): Language => LANGUAGES.find((language) => language === value) ?? 'en';

/** The application service: checks a photo, asks the model, and answers with the flower's name and description. */
export const createWasApp = ({
  log,
  classifier,
  decoders = 2,
  invocations = 8,
  maxInFlight = 32,
}: WasOptions): App => {
  const app = createApp({ log });
  const decoding = pLimit(decoders);
  const invoking = pLimit(invocations);

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
    inFlightLimit(maxInFlight),
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: () => {
        throw new ProblemError(
          'too-large',
          `The request is larger than ${MAX_BODY_BYTES} bytes; a photo may have ${MAX_PHOTO_BYTES}. Send a smaller version of it.`,
        );
      },
    }),
    languageDetector({
      order: ['header'],
      supportedLanguages: [...LANGUAGES],
      fallbackLanguage: 'en',
      caches: false,
    }),
    async (context) => {
      const pixels = await decode(await readUpload(context));
      const language = toLanguage(context.get('language'));
      const answer = buildAnswer(await invoking(() => classifier.classify(pixels)), language);
      return context.json(answer, 200, { 'Content-Language': language, Vary: 'Accept-Language' });
    },
  );
  return app;
};
