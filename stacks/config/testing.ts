import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigurationError } from './configuration-error.ts';
import { loadConfiguration } from './load.ts';

/** What a person wrote. */
interface Written {
  readonly env?: NodeJS.ProcessEnv;
  readonly bloomstack?: unknown;
}

interface Mistake extends Written {
  readonly what: string;
  /** The line that says so, without its beginning. */
  readonly problem: string;
}

export const IN_ALL = 'cdktf.json, context.bloomstack.all';

/** The error with which a configuration is refused. */
export const errorOf = ({ bloomstack, env = {} }: Written): ConfigurationError => {
  try {
    loadConfiguration({ context: bloomstack === undefined ? {} : { bloomstack }, env });
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('The configuration was accepted.');
};

/** One test for each mistake: its line is the one that is expected, letter by letter. */
export const testMistakes = (title: string, mistakes: readonly Mistake[]): void => {
  describe(title, () => {
    for (const mistake of mistakes)
      test(mistake.what, () => {
        assert.equal(errorOf(mistake).message, `The configuration is wrong: ${mistake.problem}`);
      });
  });
};
