import type { Context } from 'hono';
import { accepts } from 'hono/accepts';
import { LANGUAGES, type Language } from '../../model/contract/catalogue.ts';

/** The language of an answer, as `Accept-Language` (RFC 9110, 12.5.4) asks for it: `ko-KR` is Korean. English by default. */
export const requestedLanguage = (context: Context): Language => {
  const requested = accepts(context, {
    header: 'Accept-Language',
    supports: [...LANGUAGES],
    default: 'en',
    match: (ranges, { supports }) =>
      ranges
        .filter(({ q }) => q > 0)
        .map(({ type }) => type.split('-', 1).join().toLowerCase())
        .find((language) => supports.includes(language)) ?? 'en',
  });
  return LANGUAGES.find((language) => language === requested) ?? 'en';
};
