export interface MetricDefinition {
  readonly Name: string;
  readonly Regex: string;
}

export interface Metric {
  readonly MetricName: string;
  readonly Value: number;
}

/** Finds metrics in a job's log, by its definition's patterns, as SageMaker does. */
export class Metrics {
  readonly #patterns: readonly { readonly name: string; readonly pattern: RegExp }[];
  readonly #last = new Map<string, number>();

  constructor(definitions: readonly MetricDefinition[]) {
    this.#patterns = definitions.map(({ Name, Regex }) => ({ name: Name, pattern: new RegExp(Regex) }));
  }

  /** @returns the line, with the metrics that it holds at its end and in short */
  read(line: string): string {
    let rest = line;
    const found: string[] = [];
    for (const { name, pattern } of this.#patterns) {
      const [match = '', number = ''] = pattern.exec(line) ?? [];
      if (number === '' || Number.isNaN(Number(number))) continue;
      this.#last.set(name, Number(number));
      rest = rest.replace(match, '');
      found.push(`${name} ${Number(number).toFixed(3)}`);
    }
    return [rest.trim(), found.join(', ')].filter((text) => text !== '').join(' ');
  }

  /** The last value of each. */
  get final(): readonly Metric[] {
    return [...this.#last].map(([MetricName, Value]) => ({ MetricName, Value }));
  }
}
