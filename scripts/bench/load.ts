import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';

/** A form with one photo. */
export interface Upload {
  readonly body: Buffer;
  readonly type: string;
}

/** What a load found. Times in milliseconds. */
export interface LoadResult {
  /** Answers by status; 0 where there was none. */
  readonly statuses: ReadonlyMap<number, number>;
  readonly seconds: number;
  /** Of answers with 200, sorted. */
  readonly times: readonly number[];
  /** Of `/health`, asked all the while, sorted. */
  readonly healthTimes: readonly number[];
}

const TIMEOUT_MS = 30_000;
const HEALTH_EVERY_MS = 20;
/** Clients behind a proxy, which was shares its places out by. */
const CLIENTS = 64;

export const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

export const toForm = (photo: Buffer): Upload => ({
  type: 'multipart/form-data; boundary=bench',
  body: Buffer.concat([
    Buffer.from(
      '--bench\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n',
    ),
    photo,
    Buffer.from('\r\n--bench--\r\n'),
  ]),
});

/** Sends photos to one service over connections of its own, and asks for its health meanwhile. */
export class Load {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #url: string;
  readonly #upload: Upload;
  readonly #statuses = new Map<number, number>();
  readonly #times: number[] = [];
  readonly #healthTimes: number[] = [];
  #sent = 0;

  private constructor(url: string, upload: Upload) {
    this.#url = url;
    this.#upload = upload;
  }

  /** A number of clients, each of which sends its next photo when it has its answer. */
  static closed(url: string, upload: Upload, { clients, seconds }: { clients: number; seconds: number }) {
    return new Load(url, upload).#run(seconds, async (load, end) => {
      const client = async () => {
        while (performance.now() < end) await load.#classify();
      };
      await Promise.all(Array.from({ length: clients }, client));
    });
  }

  /** Photos at a steady rate, whatever becomes of those before. */
  static open(url: string, upload: Upload, { rate, seconds }: { rate: number; seconds: number }) {
    return new Load(url, upload).#run(seconds, async (load, end) => {
      const started = performance.now();
      const all: Promise<void>[] = [];
      while (performance.now() < end) {
        const due = ((performance.now() - started) / 1000) * rate;
        while (all.length < due) all.push(load.#classify());
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      await Promise.all(all);
    });
  }

  async #run(seconds: number, work: (load: Load, end: number) => Promise<void>): Promise<LoadResult> {
    const started = performance.now();
    let going = true;
    const watching = this.#watchHealth(() => going);
    await work(this, started + seconds * 1000);
    going = false;
    const took = (performance.now() - started) / 1000;
    await watching;
    this.#agent.destroy();
    const sorted = (times: readonly number[]) => times.toSorted((a, b) => a - b);
    return {
      statuses: this.#statuses,
      seconds: took,
      times: sorted(this.#times),
      healthTimes: sorted(this.#healthTimes),
    };
  }

  async #watchHealth(isGoing: () => boolean): Promise<void> {
    while (isGoing()) {
      const started = performance.now();
      await this.#send('GET', '/health', {}, undefined);
      this.#healthTimes.push(performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, HEALTH_EVERY_MS));
    }
  }

  async #classify(): Promise<void> {
    const { body, type } = this.#upload;
    const client = `203.0.113.${this.#sent++ % CLIENTS}`;
    const headers = { 'Content-Type': type, 'Content-Length': body.length, 'X-Forwarded-For': client };
    const started = performance.now();
    const status = await this.#send('POST', '/classify/image', headers, body);
    if (status === 200) this.#times.push(performance.now() - started);
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
  }

  /** @returns the status; 0 when there is no answer */
  #send(method: string, path: string, headers: Record<string, string | number>, body: Buffer | undefined) {
    return new Promise<number>((resolve) => {
      const options = { method, headers, agent: this.#agent, timeout: TIMEOUT_MS };
      const sent = request(this.#url + path, options, (answer) => {
        answer.resume().on('close', () => resolve(answer.complete ? (answer.statusCode ?? 0) : 0));
      });
      sent.on('timeout', () => sent.destroy()).on('error', () => resolve(0));
      sent.end(body);
    });
  }
}
