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

  /** @returns whether the line holds any */
  read(line: string): boolean {
    let found = false;
    for (const { name, pattern } of this.#patterns) {
      const value = Number(pattern.exec(line)?.[1] ?? Number.NaN);
      if (Number.isNaN(value)) continue;
      this.#last.set(name, value);
      found = true;
    }
    return found;
  }

  /** The last value of each. */
  get final(): readonly Metric[] {
    return [...this.#last].map(([MetricName, Value]) => ({ MetricName, Value }));
  }

  /** In one line. */
  get text(): string {
    return [...this.#last].map(([name, value]) => `${name} ${value.toFixed(3)}`).join(', ');
  }
}
