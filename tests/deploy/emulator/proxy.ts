import { type IncomingMessage, request as open, type ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import {
  AwsError,
  type LocalServer,
  parseJsonBody,
  requestTarget,
  sendJson,
  startLocalServer,
} from '../../../scripts/aws-double/protocol.ts';
import { notices } from './overlay/notices.ts';
import type { MotoHandler, Overlay } from './overlay/overlay.ts';

/** A request, as far as its request line shows it. */
interface RequestLine {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
}

interface PlainAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const POLICY_REQUEST = /^\/([^/?]+)\/?\?policy(?:=|$)/;

const NO_POLICY = `<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>NoSuchBucketPolicy</Code><Message>The bucket policy does not exist</Message></Error>`;

/**
 * Bucket policies, kept away from moto: it applies them to every request, but takes no notice of their conditions, so
 * "deny what does not come over TLS" locks everybody out.
 */
export const bucketPolicies = () => {
  const policies = new Map<string, string>();
  return {
    /** @returns whether a request is about the policy of a bucket */
    concerns: ({ path }: RequestLine): boolean => POLICY_REQUEST.test(path),
    answer: ({ method, path }: RequestLine, body: string): PlainAnswer => {
      const bucket = POLICY_REQUEST.exec(path)?.[1] ?? '';
      if (method === 'PUT') policies.set(bucket, body);
      if (method === 'DELETE') policies.delete(bucket);
      if (method !== 'GET') return { status: 204, contentType: 'application/xml', body: '' };
      const policy = policies.get(bucket);
      return policy === undefined
        ? { status: 404, contentType: 'application/xml', body: NO_POLICY }
        : { status: 200, contentType: 'application/json', body: policy };
    },
  };
};

/** Changes of an answer of EC2, which speaks the query protocol: forms in, XML out. */
interface FormCall {
  readonly form: URLSearchParams;
  readonly answer: string;
}

const RULE_ID = /<securityGroupRuleId>(sgr-[0-9a-f]+)<\/securityGroupRuleId>/g;

/** Where a request that makes or changes one rule has the group that the rule names, and the rule's description. */
const REQUESTS = [
  { group: 'IpPermissions.1.Groups.1.GroupId', description: 'IpPermissions.1.Groups.1.Description' },
  {
    group: 'SecurityGroupRule.1.SecurityGroupRule.ReferencedGroupId',
    description: 'SecurityGroupRule.1.SecurityGroupRule.Description',
  },
];

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** Descriptions of security group rules that name another group: moto keeps only those that name addresses. */
export const ruleDescriptions = () => {
  const descriptions = new Map<string, string>();
  const learn = ({ form, answer }: FormCall): void => {
    const request = REQUESTS.find(({ group }) => form.has(group));
    const [[, made] = []] = answer.matchAll(RULE_ID);
    const id = form.get('SecurityGroupRule.1.SecurityGroupRuleId') ?? made;
    if (request && id) descriptions.set(id, form.get(request.description) ?? '');
  };
  return {
    concerns: (form: URLSearchParams): boolean =>
      /SecurityGroup(Rules|Ingress|Egress)$/.test(form.get('Action') ?? ''),
    /** @returns the answer with the descriptions that it should have */
    amend: (call: FormCall): string => {
      learn(call);
      return call.answer.replace(RULE_ID, (element, id: string) => {
        const description = descriptions.get(id);
        return description ? `${element}<description>${escaped(description)}</description>` : element;
      });
    },
  };
};

interface Outgoing {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: Readable | string;
}

/** Content type of AWS's query protocol. */
const FORM = 'application/x-www-form-urlencoded';

/** They speak about one connection, and a proxy has two. `Expect` was answered by the proxy's own server. */
const PER_CONNECTION = ['connection', 'keep-alive', 'expect'];
/** They describe the operation and its body, which a handler's own call replaces. */
const PER_CALL = ['accept-encoding', 'content-length', 'transfer-encoding', 'x-amz-target'];

/** Header lines as they came, in their order and case, less some. */
const headersWithout = (raw: readonly string[], names: readonly string[]): string[] => {
  const kept: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name = '', value = ''] = raw.slice(i, i + 2);
    if (!names.includes(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
};

const ask = (upstream: URL, { method, path, headers, body }: Outgoing): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = upstream;
    const outgoing = open({ hostname, port, method, path, headers });
    outgoing.once('response', resolve).on('error', reject);
    if (typeof body === 'string') outgoing.end(body);
    // Not pipeline(): when the upstream fails it would cut the client's connection, which is still owed an answer.
    else body.on('error', (error) => outgoing.destroy(error)).pipe(outgoing);
  });

const passOn = async (upstream: URL, request: IncomingMessage, response: ServerResponse) => {
  const { method = 'GET', url: path = '/' } = request;
  const headers = headersWithout(request.rawHeaders, PER_CONNECTION);
  const answer = await ask(upstream, { method, path, headers, body: request });
  response.sendDate = false;
  const { statusCode = 502, statusMessage, rawHeaders } = answer;
  response.writeHead(statusCode, statusMessage, headersWithout(rawHeaders, PER_CONNECTION));
  await pipeline(answer, response);
};

/** Passes on a request whose body has been read, and hands its answer out as text. */
const passOnText = async (
  upstream: URL,
  { method = 'POST', url: path = '/', rawHeaders }: IncomingMessage,
  response: ServerResponse,
  body: string,
  amend: (answer: string) => string,
) => {
  const length = ['Content-Length', `${Buffer.byteLength(body)}`];
  const headers = [...headersWithout(rawHeaders, [...PER_CONNECTION, ...PER_CALL]), ...length];
  const answer = await ask(upstream, { method, path, headers, body });
  const content = amend(await text(answer));
  const { statusCode = 502, rawHeaders: answered } = answer;
  const kept = headersWithout(answered, [...PER_CONNECTION, 'content-length', 'transfer-encoding']);
  response.writeHead(statusCode, [...kept, 'Content-Length', `${Buffer.byteLength(content)}`]);
  response.end(content);
};

/** `Credential=<key>/<date>/<region>/<service>/aws4_request` in a request's signature. */
const signedRegion = ({ headers }: IncomingMessage): string =>
  /Credential=[^/]+\/\d+\/([^/]+)\//.exec(headers.authorization ?? '')?.[1] ?? 'us-east-1';

/** Services differ in the case of the message's name. */
const refusal = z.object({
  __type: z.string(),
  message: z.string().optional(),
  Message: z.string().optional(),
});

/** Calls an operation of the same service on the upstream, in the name of the client that sent `request`. */
const sender = (
  upstream: URL,
  service: string,
  { method = 'POST', url = '/', rawHeaders }: IncomingMessage,
) => {
  const headers = headersWithout(rawHeaders, [...PER_CONNECTION, ...PER_CALL]);
  return async (operation: string, input: unknown): Promise<unknown> => {
    const body = JSON.stringify(input);
    const own = ['Content-Length', `${Buffer.byteLength(body)}`, 'X-Amz-Target', `${service}.${operation}`];
    const answer = await ask(upstream, { method, path: url, headers: [...headers, ...own], body });
    const content = await text(answer);
    const { statusCode = 502 } = answer;
    if (statusCode === 200) return content === '' ? {} : JSON.parse(content);
    if (statusCode >= 500) throw new Error(`${service}.${operation} answered ${statusCode}: ${content}`);
    const { __type, message, Message } = refusal.parse(JSON.parse(content));
    throw new AwsError(__type, message ?? Message ?? '', { status: statusCode });
  };
};

/**
 * Starts a server that answers what the overlays know, by the `x-amz-target` header of AWS's JSON protocols, and
 * requests about bucket policies and security group rules; it passes all else to the upstream and back, byte for byte.
 *
 * @param upstream where the real emulator is
 * @returns the proxy on a free port of 127.0.0.1
 */
export const startProxy = async (upstream: string, overlays: readonly Overlay[]): Promise<LocalServer> => {
  const base = new URL(upstream);
  const handlers = new Map<string, { service: string; handler: MotoHandler }>();
  const events = notices();
  for (const { service, operations } of [...overlays, ...events.overlays])
    for (const [name, handler] of Object.entries(operations))
      handlers.set(`${service}.${name}`, { service, handler });

  const policies = bucketPolicies();
  const rules = ruleDescriptions();
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const line = { method: request.method ?? 'GET', path: request.url ?? '/' };
    if (policies.concerns(line)) {
      const { status, contentType, body } = policies.answer(line, await text(request));
      response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) });
      response.end(body);
      return;
    }
    if (request.headers['content-type']?.startsWith(FORM)) {
      const body = await text(request);
      const form = new URLSearchParams(body);
      events.learn(form, signedRegion(request));
      const amend = (answer: string) => (rules.concerns(form) ? rules.amend({ form, answer }) : answer);
      return passOnText(base, request, response, body, amend);
    }
    const found = handlers.get(requestTarget(request));
    if (!found) return passOn(base, request, response);
    const input = parseJsonBody(await text(request));
    const send = sender(base, found.service, request);
    sendJson(response, await found.handler(input, { region: signedRegion(request), send }));
  };
  return startLocalServer(serve);
};
