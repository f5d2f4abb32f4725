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

const POLICY_REQUEST = /^\/([^/?]+)\/?\?policy(?:=|$)/;

const NO_POLICY = `<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>NoSuchBucketPolicy</Code><Message>The bucket policy does not exist</Message></Error>`;

/**
 * Answers requests about bucket policies, kept away from moto: it applies them to every request, but takes no notice of
 * their conditions, so "deny what does not come over TLS" locks everybody out.
 *
 * @param policies by bucket
 */
const answerPolicy = async (
  bucket: string,
  policies: Map<string, string>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const body = await text(request);
  if (request.method === 'PUT') policies.set(bucket, body);
  if (request.method === 'DELETE') policies.delete(bucket);
  const policy = policies.get(bucket);
  if (request.method !== 'GET') response.writeHead(204).end();
  else if (policy !== undefined) response.writeHead(200, { 'content-type': 'application/json' }).end(policy);
  else response.writeHead(404, { 'content-type': 'application/xml' }).end(NO_POLICY);
};

const RULE_ID = /<securityGroupRuleId>(sgr-[0-9a-f]+)<\/securityGroupRuleId>/g;

/** Where a request that makes or changes one rule has the group that the rule names, and the rule's description. */
const RULE_REQUESTS = [
  ['IpPermissions.1.Groups.1.GroupId', 'IpPermissions.1.Groups.1.Description'],
  [
    'SecurityGroupRule.1.SecurityGroupRule.ReferencedGroupId',
    'SecurityGroupRule.1.SecurityGroupRule.Description',
  ],
] as const;

/**
 * Descriptions of security group rules that name another group: moto keeps only those that name addresses.
 *
 * @param descriptions by rule
 * @returns the answer with the descriptions that it should have
 */
const describeRules = (descriptions: Map<string, string>, form: URLSearchParams, answer: string): string => {
  if (!/SecurityGroup(Rules|Ingress|Egress)$/.test(form.get('Action') ?? '')) return answer;
  const [, described] = RULE_REQUESTS.find(([group]) => form.has(group)) ?? [];
  const [[, made] = []] = answer.matchAll(RULE_ID);
  const id = form.get('SecurityGroupRule.1.SecurityGroupRuleId') ?? made;
  const given = described && form.get(described)?.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  if (id && described) descriptions.set(id, given ?? '');
  return answer.replace(RULE_ID, (element, each: string) => {
    const description = descriptions.get(each);
    return description ? `${element}<description>${description}</description>` : element;
  });
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

  const policies = new Map<string, string>();
  const descriptions = new Map<string, string>();
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [, bucket] = POLICY_REQUEST.exec(request.url ?? '') ?? [];
    if (bucket !== undefined) return answerPolicy(bucket, policies, request, response);
    if (request.headers['content-type']?.startsWith(FORM)) {
      const body = await text(request);
      const form = new URLSearchParams(body);
      events.learn(form, signedRegion(request));
      return passOnText(base, request, response, body, (answer) => describeRules(descriptions, form, answer));
    }
    const found = handlers.get(requestTarget(request));
    if (!found) return passOn(base, request, response);
    const input = parseJsonBody(await text(request));
    const send = sender(base, found.service, request);
    sendJson(response, await found.handler(input, { region: signedRegion(request), send }));
  };
  return startLocalServer(serve);
};
