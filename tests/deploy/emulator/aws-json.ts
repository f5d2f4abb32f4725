import { z } from 'zod';

/** The account that moto acts for. */
export const ACCOUNT = '123456789012';

/** A refusal, as AWS's JSON protocols put it: the client sees `code` as the name of the exception. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.name = 'AwsError';
    this.code = code;
    this.status = status;
  }
}

/** What a handler may use beside the input of the call that it answers. */
export interface Call {
  /** Region of the request's signature. */
  readonly region: string;
  /**
   * Calls another (or the same) operation of the service, on moto itself.
   *
   * @throws AwsError when moto refuses
   */
  readonly send: (operation: string, input: unknown) => Promise<unknown>;
}

/** Answers one operation: takes the request's JSON, gives the response's. */
export type Handler = (input: unknown, call: Call) => Promise<unknown>;

/** The operations of one service that moto lacks or gets wrong. All others go to moto as they are. */
export interface Overlay {
  /** What stands before the dot in `x-amz-target`. */
  readonly service: string;
  readonly operations: Readonly<Record<string, Handler>>;
}

/** A handler whose input is checked; what does not fit is refused as AWS does, with ValidationException. */
export const operation =
  <Input>(schema: z.ZodType<Input>, run: (input: Input, call: Call) => unknown): Handler =>
  async (input, call) => {
    const parsed = schema.safeParse(input);
    if (!parsed.success) throw new AwsError('ValidationException', z.prettifyError(parsed.error));
    return run(parsed.data, call);
  };

/** Any JSON object: a part of a request that the overlay keeps and gives back, but does not look into. */
export const anything = z.record(z.string(), z.unknown());
export type Anything = z.infer<typeof anything>;

/** Now, as AWS's JSON protocols write time: seconds since 1970. */
export const now = (): number => Date.now() / 1000;

/** Moto writes some times as ISO 8601, which AWS's SDKs refuse. */
export const time = z.union([z.number(), z.iso.datetime().transform((text) => Date.parse(text) / 1000)]);
