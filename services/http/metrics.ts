import type { Logger } from 'pino';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ProblemCode } from '../contract.ts';
import type { ServerEnvironment } from './environment.ts';
import { startServer } from './server.ts';

/** What handlers measure, for the log line and the metrics of a request. Times are in milliseconds. */
export interface Measurements {
  receive?: number;
  decode?: number;
  invoke?: number;
  photos?: number;
  /** How many of them show none of the classes. */
  unknown?: number;
  /** The probability of each known photo's answer, 0 to 1; 100 at most. */
  confidence?: readonly number[];
  modelVersion?: string;
}

export interface RequestOutcome {
  readonly status: number;
  readonly code?: ProblemCode | undefined;
  /** From the first byte of the headers to the answer, in milliseconds. */
  readonly latency: number;
  /** Requests that were in work beside this one, itself included. @default - not known */
  readonly inFlight?: number;
  /** Requests that had this very outcome. @default 1 */
  readonly count?: number;
}

/** CloudWatch's unit for each metric. A metric's name is also the log line's field with its value. */
const UNITS = {
  ...{ Latency: 'Milliseconds', Receive: 'Milliseconds', Decode: 'Milliseconds', Invoke: 'Milliseconds' },
  ...{ Photos: 'Count', Unknown: 'Count', Confidence: 'None' },
  ...{ ClientErrors: 'Count', ServerErrors: 'Count', Shed: 'Count', InFlight: 'Count' },
} as const;
export type MetricName = keyof typeof UNITS;

const isOneOf = (status: number, hundred: number) => (Math.floor(status / 100) === hundred ? 1 : 0);
/** Requests refused because of load; nothing is broken. */
const SHED: ReadonlySet<ProblemCode | undefined> = new Set(['overloaded', 'rate-limited']);

const STAGES = ['receive', 'decode', 'invoke'] as const;
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export interface MetricsOptions {
  /** The service's name: the one dimension of all metrics. */
  readonly service: string;
  /** CloudWatch namespace: keeps the deployments of an account apart. @default 'Bloomstack' */
  readonly namespace?: string;
}

/**
 * A service's metrics, published in two ways: as log lines in CloudWatch's Embedded Metric Format, which needs no
 * agent, and as a registry for Prometheus.
 *
 * @example
 * const metrics = new Metrics({ service: 'app-was' });
 * metrics.record({ status: 200, latency: 12, inFlight: 1 }, {}).Latency; // => 12
 */
export class Metrics {
  readonly #namespace: string;
  readonly #registry = new Registry();
  readonly #requests = new Counter({
    ...this.#metric('requests_total', 'Requests by status class.'),
    labelNames: ['status'],
  });
  readonly #photos = new Counter({
    ...this.#metric('photos_total', 'Photos that were classified.'),
    labelNames: ['answer'],
  });
  readonly #latency = new Histogram({
    ...this.#metric('request_seconds', 'Time from request to answer.'),
    buckets: SECONDS,
  });
  readonly #stages = new Histogram({
    ...this.#metric('stage_seconds', 'Time that a stage of a request takes.'),
    buckets: SECONDS,
    labelNames: ['stage'],
  });
  readonly #inFlight = new Gauge(
    this.#metric('requests_in_flight', 'Requests in progress at the last answer.'),
  );

  constructor({ service, namespace = 'Bloomstack' }: MetricsOptions) {
    this.#namespace = namespace;
    this.#registry.setDefaultLabels({ service });
  }

  #metric(name: string, help: string) {
    return { name: `bloomstack_${name}`, help, registers: [this.#registry] };
  }

  /**
   * Counts a request, or several.
   *
   * @returns fields for its log line: `_aws` and the metrics
   */
  record({ status, code, latency, inFlight, count = 1 }: RequestOutcome, measured: Measurements) {
    const { receive, decode, invoke, photos, unknown, confidence, modelVersion } = measured;
    this.#requests.inc({ status: `${Math.floor(status / 100)}xx` }, count);
    for (let each = 0; each < count; each++) this.#latency.observe(latency / 1000);
    if (inFlight !== undefined) this.#inFlight.set(inFlight - 1);
    for (const stage of STAGES) {
      const time = measured[stage];
      if (time !== undefined) this.#stages.observe({ stage }, time / 1000);
    }
    if (photos !== undefined && unknown !== undefined) {
      this.#photos.inc({ answer: 'known' }, photos - unknown);
      this.#photos.inc({ answer: 'unknown' }, unknown);
    }
    const values = {
      Latency: latency,
      Receive: receive,
      Decode: decode,
      Invoke: invoke,
      Photos: photos,
      Unknown: unknown,
      Confidence: confidence?.length ? confidence : undefined,
      ClientErrors: isOneOf(status, 4) * count,
      ServerErrors: isOneOf(status, 5) * count,
      Shed: SHED.has(code) ? count : 0,
      InFlight: inFlight,
    } satisfies Record<MetricName, unknown>;
    const given: Readonly<Record<string, unknown>> = values;
    // Alarms need a metric whose dimensions do not change with every model.
    const dimensions = [['service'], ...(modelVersion === undefined ? [] : [['service', 'modelVersion']])];
    return {
      _aws: {
        Timestamp: Date.now(),
        CloudWatchMetrics: [
          {
            Namespace: this.#namespace,
            Dimensions: dimensions,
            Metrics: Object.entries(UNITS).flatMap(([Name, Unit]) =>
              given[Name] === undefined ? [] : [{ Name, Unit }],
            ),
          },
        ],
      },
      code,
      modelVersion,
      ...values,
    };
  }

  /** All metrics in Prometheus' text format. */
  async text(): Promise<Response> {
    const headers = { 'Content-Type': this.#registry.contentType };
    return new Response(await this.#registry.metrics(), { headers });
  }
}

type Settings = Pick<ServerEnvironment, 'METRICS_NAMESPACE' | 'METRICS_PORT' | 'METRICS_HOST'>;

/** Creates a service's metrics, and serves `GET /metrics` on a separate port that no load balancer forwards to. */
export const startMetrics = async (
  { METRICS_NAMESPACE: namespace, METRICS_PORT: port, METRICS_HOST: hostname }: Settings,
  { service, log }: { readonly service: string; readonly log: Logger },
): Promise<Metrics> => {
  const metrics = new Metrics({ service, namespace });
  const fetch = async ({ url }: Request) =>
    new URL(url).pathname === '/metrics' ? metrics.text() : new Response(null, { status: 404 });
  if (port !== undefined) await startServer({ fetch, port, hostname, log });
  return metrics;
};
