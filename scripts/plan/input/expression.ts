import type { Json } from './json.ts';

/** @returns the value that a reference such as `aws_vpc.main.id` stands for, or nothing when it is not known yet */
export type Resolve = (reference: string) => Json | undefined;

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };
const LITERALS: ReadonlyMap<string, Json> = new Map<string, Json>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

const textOf = (value: Json): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));

/** The functions that cdktf writes around structures; any other call stays as it is written. */
const FUNCTIONS: Readonly<Record<string, (args: readonly Json[]) => Json | undefined>> = {
  jsonencode: ([value = null]) => JSON.stringify(value),
  join: ([separator, list]) =>
    Array.isArray(list) ? list.map(textOf).join(textOf(separator ?? '')) : undefined,
  tolist: ([list]) => list,
  toset: ([list]) => list,
  tostring: ([value]) => value,
};

/** Reads the part of Terraform's expressions that cdktf writes: literals, templates, references and calls. */
class Reader {
  readonly #text: string;
  readonly #resolve: Resolve;
  #at = 0;

  constructor(text: string, resolve: Resolve) {
    this.#text = text;
    this.#resolve = resolve;
  }

  /** Text with `${...}` in it, up to the closing quote when it is quoted. */
  template(quoted: boolean): Json {
    const parts: Json[] = [];
    let literal = '';
    while (this.#at < this.#text.length) {
      if (quoted && this.#take('"')) break;
      if (this.#take('$${')) literal += '${';
      else if (this.#take('${')) {
        if (literal) parts.push(literal);
        literal = '';
        parts.push(this.#expression());
        this.#expect('}');
      } else if (quoted && this.#take('\\')) literal += this.#escaped();
      else literal += this.#text[this.#at++];
    }
    const [first, ...others] = parts;
    if (first !== undefined && others.length === 0 && !literal) return first;
    return parts.map(textOf).join('') + literal;
  }

  #escaped(): string {
    const character = this.#text[this.#at++] ?? '';
    if (character !== 'u') return ESCAPES[character] ?? character;
    const code = this.#text.slice(this.#at, this.#at + 4);
    this.#at += code.length;
    return String.fromCharCode(Number.parseInt(code, 16));
  }

  #expression(): Json {
    this.#skip();
    const start = this.#at;
    if (this.#take('"')) return this.template(true);
    if (this.#take('[')) return this.#list(']');
    if (this.#take('{')) return this.#object();
    const number = this.#match(/-?\d+(\.\d+)?/y);
    if (number !== undefined) return Number(number);
    const name = this.#match(/[A-Za-z_][\w-]*/y);
    if (name === undefined) throw new SyntaxError(`unexpected ${this.#text.slice(start, start + 20)}`);
    if (this.#take('(')) {
      const result = FUNCTIONS[name]?.(this.#list(')'));
      return result ?? this.#asWritten(start);
    }
    const literal = LITERALS.get(name);
    if (literal !== undefined) return literal;
    this.#match(/(\.[A-Za-z_][\w-]*|\.\d+|\[\d+\]|\["[^"]*"\])*/y);
    return this.#resolve(this.#text.slice(start, this.#at)) ?? this.#asWritten(start);
  }

  #list(end: ']' | ')'): Json[] {
    const items: Json[] = [];
    while (!this.#taken(end)) {
      items.push(this.#expression());
      if (!this.#taken(',')) this.#peek(end);
    }
    return items;
  }

  #object(): Json {
    const entries: [string, Json][] = [];
    while (!this.#taken('}')) {
      const key = this.#taken('"') ? this.template(true) : this.#match(/[A-Za-z_][\w-]*/y);
      if (key === undefined) throw new SyntaxError('a key was expected');
      if (!this.#taken('=')) this.#expect(':');
      entries.push([textOf(key), this.#expression()]);
      if (!this.#taken(',')) this.#peek('}');
    }
    return Object.fromEntries(entries);
  }

  #asWritten(start: number): string {
    return `\${${this.#text.slice(start, this.#at)}}`;
  }

  #skip(): void {
    this.#match(/\s*/y);
  }

  #take(expected: string): boolean {
    if (!this.#text.startsWith(expected, this.#at)) return false;
    this.#at += expected.length;
    return true;
  }

  #taken(expected: string): boolean {
    this.#skip();
    return this.#take(expected);
  }

  #peek(expected: string): void {
    this.#skip();
    if (!this.#text.startsWith(expected, this.#at)) throw new SyntaxError(`${expected} was expected`);
  }

  #expect(expected: string): void {
    if (!this.#taken(expected)) throw new SyntaxError(`${expected} was expected`);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found !== undefined) this.#at += found.length;
    return found;
  }
}

const evaluateText = (text: string, resolve: Resolve): Json => {
  try {
    return new Reader(text, resolve).template(false);
  } catch (error) {
    // An operator or a loop: the reviewer reads the expression itself.
    if (error instanceof SyntaxError) return text;
    throw error;
  }
};

/**
 * The value of what the code writes. References that are not known yet stay in it as `${aws_vpc.main.id}`;
 * an expression that cannot be read stays whole.
 */
export const evaluate = (declared: Json, resolve: Resolve): Json => {
  if (typeof declared === 'string')
    return declared.includes('${') ? evaluateText(declared, resolve) : declared;
  if (Array.isArray(declared)) return declared.map((item) => evaluate(item, resolve));
  if (typeof declared !== 'object' || declared === null) return declared;
  return Object.fromEntries(Object.entries(declared).map(([key, value]) => [key, evaluate(value, resolve)]));
};
