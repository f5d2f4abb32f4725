import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { ConfigurationError } from './configuration-error.ts';

const PROJECT_FILE = fileURLToPath(new URL('../../cdktf.json', import.meta.url));

/** The variable in which cdktf-cli hands the context to the app that it runs. */
const CONTEXT_VARIABLE = 'CDKTF_CONTEXT_JSON';

const context = z.record(z.string(), z.unknown());
const projectFile = z.object({ context: context.default({}) });

/** @throws ConfigurationError when `text` is no JSON, or JSON of another shape */
const parseJson = <T>(text: string, schema: z.ZodType<T>, place: string, cure: string): T => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigurationError([`${place} is no JSON (${why}), ${cure}`], { cause });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const where = result.error.issues.map(({ path }) => [place, ...path].join(', ')).join(' and ');
  throw new ConfigurationError([`${where} is no object, ${cure}`]);
};

/**
 * The `context` of cdktf.json. cdktf passes it to the app only when its own CLI runs that; otherwise it is read from
 * the file.
 *
 * @throws ConfigurationError when it cannot be read
 */
export const readContext = (
  env: NodeJS.ProcessEnv = process.env,
  file: string = PROJECT_FILE,
): Readonly<Record<string, unknown>> => {
  const handedOver = env[CONTEXT_VARIABLE];
  if (handedOver)
    return parseJson(handedOver, context, CONTEXT_VARIABLE, 'unset it, cdktf.json is read without it');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigurationError([`cdktf.json cannot be read (${why}), restore it from the repository`], {
      cause,
    });
  }
  return parseJson(text, projectFile, 'cdktf.json', 'mend it as docs/configuration.md shows').context;
};
