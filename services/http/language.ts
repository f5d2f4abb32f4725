import { parseAccept } from 'hono/utils/accept';
import { LANGUAGES, type Language } from '../../model/contract/catalogue.ts';

/** The language that `Accept-Language` (RFC 9110, 12.5.4) asks for: `ko-KR` is Korean. English by default. */
export const requestedLanguage = (acceptLanguage = ''): Language => {
  for (const { type, q } of parseAccept(acceptLanguage)) {
    const range = type.split('-', 1).join().toLowerCase();
    const language = q > 0 && LANGUAGES.find((known) => known === range);
    if (language) return language;
  }
  return 'en';
};
