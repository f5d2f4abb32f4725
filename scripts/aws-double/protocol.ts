import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { z } from 'zod';

/** What the AWS doubles share: ARNs, errors, operations, permissions, and a server for AWS's JSON protocols. */

/** The region and account that a double pretends to be in. */
export interface Place {
  readonly region: string;
  readonly account: string;
}

/** @param resource such as `endpoint/image-classifier` */
export const arn = ({ region, account }: Place, service: string, resource: string): string =>
  `arn:aws:${service}:${region}:${account}:${resource}`;

/** Region and account in the ARNs of resources on this machine. */
export const THIS_MACHINE: Place = { region: 'local', account: '000000000000' };

export const localArn = (resource: string): string => arn(THIS_MACHINE, 'sagemaker', resource);

/** An error in AWS's JSON protocols; the SDK throws an exception named `code`. */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  readonly code: string;
  readonly status: number;
  /** More fields of the response. */
  readonly fields: object;

  constructor(code: string, message: string, { status = 400, fields = {} } = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.fields = fields;
  }
}

export const invalid = (message: string): AwsError => new AwsError('ValidationException', message);

/** Implements an operation, from request to response. `Call` is the context of the call. */
export type Handler<Call> = (input: unknown, call: Call) => Promise<unknown>;

/** A handler that validates its input and, like AWS, refuses what does not fit with ValidationException. */
export const operation =
  <Input, Call>(schema: z.ZodType<Input>, run: (input: Input, call: Call) => unknown): Handler<Call> =>
  async (input, call) => {
    const { success, data, error } = schema.safeParse(input);
    if (!success) throw invalid(z.prettifyError(error));
    return run(data, call);
  };

/** An Allow statement of an IAM policy; its strings may contain `*`. */
export interface AllowStatement {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export const ALLOW_EVERYTHING: readonly AllowStatement[] = [{ actions: ['*'], resources: ['*'] }];

const matches = (pattern: string, text: string): boolean => {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${escaped}$`).test(text);
};

/** The caller of an operation, with its permissions. */
export class AwsCaller {
  readonly #statements: readonly AllowStatement[];

  constructor(statements: readonly AllowStatement[]) {
    this.#statements = statements;
  }

  /**
   * Checks a permission that IAM requires for an operation. Source: "Actions, resources, and condition keys", IAM's
   * reference.
   *
   * @param context values of condition keys
   * @throws AwsError AccessDeniedException, unless a statement allows it
   */
  assertAllowed(action: string, resource: string, context: Readonly<Record<string, string>> = {}): void {
    const isMet = (conditions: AllowStatement['conditions'] = {}): boolean =>
      Object.entries(conditions).every(
        ([operator, keys]) =>
          operator === 'StringEquals' &&
          Object.entries(keys).every(([key, value]) => [value].flat().includes(context[key] ?? '')),
      );
    const allowed = this.#statements.some(
      ({ actions, resources, conditions }) =>
        actions.some((pattern) => matches(pattern, action)) &&
        resources.some((pattern) => matches(pattern, resource)) &&
        isMet(conditions),
    );
    if (!allowed)
      throw new AwsError(
        'AccessDeniedException',
        `The caller is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`,
      );
  }
}

/** Seconds since 1970, the time format of AWS's JSON protocols. */
export const secondsNow = (): number => Date.now() / 1000;

/** @returns `Service.Operation` */
export const requestTarget = ({ headers }: IncomingMessage): string => String(headers['x-amz-target']);

/** @throws AwsError the one with which AWS answers a body that is not JSON */
export const parseJsonBody = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    throw new AwsError('SerializationException', 'The body is not valid JSON.');
  }
};

export const sendJson = (
  response: ServerResponse,
  value: unknown,
  status = 200,
  errorType?: string,
): void => {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.1',
    'content-length': Buffer.byteLength(body),
    'x-amzn-requestid': randomUUID(),
    ...(errorType !== undefined && { 'x-amzn-errortype': errorType }),
  });
  response.end(body);
};

const sendError = (response: ServerResponse, error: unknown): void => {
  if (response.headersSent) response.destroy();
  else if (error instanceof AwsError) {
    const { code, message, fields, status } = error;
    sendJson(response, { __type: code, message, ...fields }, status, code);
  } else sendJson(response, { __type: 'InternalFailure', message: String(error) }, 502, 'InternalFailure');
};

export interface LocalServer {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** Serves HTTP on a free port. What `answer` throws is sent in AWS's format, with 502 for bugs of the double. */
export const startLocalServer = async (
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void> | void,
): Promise<LocalServer> => {
  const server = createServer(async (request, response) => {
    try {
      await answer(request, response);
    } catch (error) {
      sendError(response, error);
    }
  });
  // A client that reuses a connection just as the server closes it would see an error.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('The server is not listening on a TCP port.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};
