/** Something that a person wrote into the configuration cannot be used. The message is one line. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  /** Each names the field, where its value comes from, what is wrong and how to mend it. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: ErrorOptions) {
    // What people wrote may hold line breaks.
    const text = problems.join('; ').replace(/\s+/g, ' ');
    super(`The configuration is wrong: ${text}${text.endsWith('?') ? '' : '.'}`, options);
    this.problems = problems;
  }
}
