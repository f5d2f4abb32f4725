import { z } from 'zod';
import { duration } from '../progress.ts';

/**
 * The lines of `terraform plan -json` and `terraform apply -json`, version 1 of the format: unknown types and fields
 * are ignored. Source: "Machine-readable UI", Terraform documentation.
 */

const resource = z.object({ addr: z.string() });
const hook = z.object({ resource, action: z.string(), elapsed_seconds: z.number().default(0) });
const diagnostic = z.object({
  severity: z.enum(['error', 'warning']),
  summary: z.string(),
  detail: z.string().default(''),
  address: z.string().default(''),
});

const message = z.discriminatedUnion('type', [
  z.object({ type: z.literal('planned_change'), change: z.object({ resource, action: z.string() }) }),
  z.object({ type: z.literal('refresh_complete'), hook: z.object({ resource }) }),
  z.object({ type: z.literal('apply_start'), hook }),
  z.object({ type: z.literal('apply_progress'), hook }),
  z.object({ type: z.literal('apply_complete'), hook }),
  z.object({ type: z.literal('apply_errored'), hook }),
  z.object({ type: z.literal('diagnostic'), diagnostic }),
]);
const anyMessage = z.object({ type: z.string() });

export type Diagnostic = z.output<typeof diagnostic>;

/** Operations that an action of a plan becomes when it is applied. */
const OPERATIONS: Readonly<Record<string, number>> = { create: 1, update: 1, delete: 1, replace: 2 };

const parse = (line: string) => {
  try {
    const json: unknown = JSON.parse(line);
    const parsed = message.safeParse(json);
    return parsed.success ? parsed.data : anyMessage.parse(json).type;
  } catch {
    return undefined;
  }
};

/** How far a plan or an apply is, told by the lines that Terraform prints. */
export class TerraformProgress {
  readonly total: number;
  /** Operations that the plan announces: a replacement is two. */
  planned = 0;
  /** Resources whose current settings have been read. */
  read = 0;
  done = 0;
  readonly diagnostics: Diagnostic[] = [];
  /** Lines that are not of the format, such as a crash of a provider. */
  readonly unknown: string[] = [];
  readonly #running = new Map<string, number>();
  #latest = '';

  /** @param total operations of the plan that is applied; 0 while planning */
  constructor(total = 0) {
    this.total = total;
  }

  get errors(): Diagnostic[] {
    return this.diagnostics.filter(({ severity }) => severity === 'error');
  }

  accept(line: string): void {
    const parsed = parse(line);
    if (parsed === undefined && line.trim() !== '') this.unknown.push(line);
    if (parsed === undefined || typeof parsed === 'string') return;
    switch (parsed.type) {
      case 'planned_change':
        this.planned += OPERATIONS[parsed.change.action] ?? 0;
        break;
      case 'refresh_complete':
        this.read += 1;
        break;
      case 'apply_start':
      case 'apply_progress':
        this.#running.set(parsed.hook.resource.addr, parsed.hook.elapsed_seconds);
        break;
      case 'apply_complete':
        this.done += 1;
        this.#latest = ` · ${parsed.hook.resource.addr}`;
        this.#running.delete(parsed.hook.resource.addr);
        break;
      case 'apply_errored':
        this.#running.delete(parsed.hook.resource.addr);
        break;
      case 'diagnostic':
        this.diagnostics.push(parsed.diagnostic);
        break;
    }
  }

  /** What is done, and what has been awaited longest: `37 of 184 · aws_lb.web-alb (45 s)`. */
  get now(): string {
    const [slowest] = [...this.#running].sort(([, a], [, b]) => b - a);
    const awaited = slowest ? ` · ${slowest[0]} (${duration(slowest[1])})` : '';
    return `${this.done} of ${this.total}${awaited}`;
  }

  /** What is done, and what was done last: `37 of 184 · aws_vpc.network`. */
  get latest(): string {
    return `${this.done} of ${this.total}${this.#latest}`;
  }
}

/** Terraform's own text of a problem, with the resource that it is about. */
export const describeDiagnostic = ({ summary, detail, address }: Diagnostic): string =>
  [address ? `${address}: ${summary}` : summary, detail].filter((text) => text !== '').join('\n  ');
