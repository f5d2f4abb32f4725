import { type IncomingMessage, request as open, type ServerResponse } from 'node:http';
import { buffer, text } from 'node:stream/consumers';
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
 * Answers requests about bucket policies in place of moto, which applies them to every request but ignores their
 * conditions, so that "deny requests without TLS" would lock everybody out.
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

/** Patterns for a request that creates or changes a rule: the group that it refers to, and its description. */
const RULE_REQUESTS = [
  ['IpPermissions.1.Groups.1.GroupId', 'IpPermissions.1.Groups.1.Description'],
  [
    'SecurityGroupRule.1.SecurityGroupRule.ReferencedGroupId',
    'SecurityGroupRule.1.SecurityGroupRule.Description',
  ],
] as const;

/**
 * Adds the descriptions of security group rules that refer to another group: moto only stores those with addresses.
 *
 * @param descriptions by rule
 * @returns the answer with the descriptions
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

/** Content type of AWS's query protocol. */
const FORM = 'application/x-www-form-urlencoded';

/** Headers about one connection or body, of which a proxy has two. `Expect` was answered by the proxy itself. */
const PER_CONNECTION = ['connection', 'keep-alive', 'expect', 'accept-encoding', 'transfer-encoding'];

/** The header lines in their original order and case, without some. */
const headersWithout = (raw: readonly string[], ...names: readonly string[]): string[] => {
  const kept: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name = '', value = ''] = raw.slice(i, i + 2);
    if (![...PER_CONNECTION, ...names].includes(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
};

/** Forwards a request, with another body and perhaps another target. */
const ask = (
  { hostname, port }: URL,
  { method, url: path, rawHeaders }: IncomingMessage,
  body: Buffer,
  target?: string,
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const kept = headersWithout(rawHeaders, 'content-length', ...(target ? ['x-amz-target'] : []));
    const own = ['Content-Length', String(body.length), ...(target ? ['X-Amz-Target', target] : [])];
    const outgoing = open({ hostname, port, method, path, headers: [...kept, ...own] });
    outgoing.once('response', resolve).once('error', reject).end(body);
  });

const passOn = async (
  upstream: URL,
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  amend = (answer: Buffer) => answer,
) => {
  const answer = await ask(upstream, request, body);
  const content = amend(await buffer(answer));
  const { statusCode = 502, rawHeaders } = answer;
  response.sendDate = false;
  // For an answer without a body, as to HEAD, the upstream's length is kept.
  if (content.length === 0) response.writeHead(statusCode, headersWithout(rawHeaders)).end();
  else {
    const headers = headersWithout(rawHeaders, 'content-length');
    response.writeHead(statusCode, [...headers, 'Content-Length', String(content.length)]).end(content);
  }
};

/** `Credential=<key>/<date>/<region>/<service>/aws4_request` in a request's signature. */
const signedRegion = ({ headers }: IncomingMessage): string =>
  /Credential=[^/]+\/\d+\/([^/]+)\//.exec(headers.authorization ?? '')?.[1] ?? 'us-east-1';

/** The name of the message field differs in case between services. */
const refusal = z.object({
  __type: z.string(),
  message: z.string().optional(),
  Message: z.string().optional(),
});

/** Calls an operation of the same service on the upstream, on behalf of the client of `request`. */
const sender =
  (upstream: URL, service: string, request: IncomingMessage) =>
  async (operation: string, input: unknown): Promise<unknown> => {
    const target = `${service}.${operation}`;
    const answer = await ask(upstream, request, Buffer.from(JSON.stringify(input)), target);
    const content = await text(answer);
    const { statusCode = 502 } = answer;
    if (statusCode === 200) return content === '' ? {} : JSON.parse(content);
    if (statusCode >= 500) throw new Error(`${target} answered ${statusCode}: ${content}`);
    const { __type, message, Message } = refusal.parse(JSON.parse(content));
    throw new AwsError(__type, message ?? Message ?? '', { status: statusCode });
  };

/**
 * Starts a proxy that answers the overlays' operations, by the `x-amz-target` header of AWS's JSON protocols, and
 * requests about bucket policies and security group rules. It forwards everything else to the upstream.
 *
 * @param upstream URL of the actual emulator
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
    const body = await buffer(request);
    if (request.headers['content-type']?.startsWith(FORM)) {
      const form = new URLSearchParams(String(body));
      events.learn(form, signedRegion(request));
      const amend = (answer: Buffer) => Buffer.from(describeRules(descriptions, form, String(answer)));
      return passOn(base, request, response, body, amend);
    }
    const found = handlers.get(requestTarget(request));
    if (!found) return passOn(base, request, response, body);
    const input = parseJsonBody(String(body));
    const send = sender(base, found.service, request);
    sendJson(response, await found.handler(input, { region: signedRegion(request), send }));
  };
  return startLocalServer(serve);
};
