import type { Clock } from '../../model/jobs/deploy-endpoint/clock.ts';

const EARLY = Date.UTC(2026, 10, 1);

/** Time that passes only while everybody sleeps, and then at once. */
export class VirtualClock implements Clock {
  #now = EARLY;
  #runners = 1;
  #sleepers: { readonly at: number; readonly wake: () => void }[] = [];

  readonly now = (): number => this.#now;

  readonly sleep = (milliseconds: number, signal?: AbortSignal): Promise<void> => {
    signal?.throwIfAborted();
    return new Promise((wake) => {
      this.#sleepers.push({ at: this.#now + milliseconds, wake });
      this.#wakeNext();
    });
  };

  /** Lets time pass while nobody waits for it. */
  pass(minutes: number): void {
    this.#now += minutes * 60_000;
  }

  /** Runs several at once, on the same time. */
  async together<T>(...tasks: readonly (() => Promise<T>)[]): Promise<PromiseSettledResult<T>[]> {
    this.#runners = tasks.length;
    const results = await Promise.allSettled(
      tasks.map(async (task) => {
        try {
          return await task();
        } finally {
          this.#runners--;
          this.#wakeNext();
        }
      }),
    );
    this.#runners = 1;
    return results;
  }

  #wakeNext(): void {
    if (this.#sleepers.length === 0 || this.#sleepers.length < this.#runners) return;
    const [next, ...later] = this.#sleepers.toSorted((one, other) => one.at - other.at);
    this.#sleepers = later;
    this.#now = Math.max(this.#now, next?.at ?? 0);
    next?.wake();
  }
}
