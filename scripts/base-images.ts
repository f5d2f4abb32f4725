import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { errorText } from '../model/shared/text.ts';
import { print, runCommand } from './shared/cli.ts';
import { ROOT } from './shared/paths.ts';

const HEAD = `Usage: npm run base-images [-- --file FILE]

Asks the registries of the base images for the digests of their tags, and pins them in stacks/images/base-images.env.
An image whose digest cannot be read keeps its line, with a comment that says so.
`;

export const BASE_IMAGES = path.join(ROOT, 'stacks/images/base-images.env');

const options = z.strictObject({
  file: z.string().default(BASE_IMAGES).meta({ value: 'FILE', description: 'another file in this format' }),
});

const TIMEOUT_MS = 20_000;
/** Prefers the index of images for several CPUs to a single image: the tag refers to the index. */
const MANIFESTS = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

const token = z.object({ token: z.string() });

/** An anonymous token, from where the registry's 401 says. Source: "Token authentication", Distribution. */
const anonymousToken = async (challenge: string): Promise<string> => {
  const fields = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
  const url = new URL(fields.get('realm') ?? '');
  for (const name of ['service', 'scope']) url.searchParams.set(name, fields.get(name) ?? '');
  const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  return token.parse(await answer.json()).token;
};

/**
 * Reads the current digest of a tag by the registry's HTTP API.
 *
 * @returns `sha256:` and 64 digits
 * @throws Error if the registry cannot be reached or gives no digest
 */
const readDigest = async (registry: string, repository: string, tag: string): Promise<string> => {
  // Like Docker, which needs no TLS for a registry on this machine.
  const scheme = /^(localhost|127\.0\.0\.1)(:|$)/.test(registry) ? 'http' : 'https';
  const url = `${scheme}://${registry}/v2/${repository}/manifests/${tag}`;
  const ask = (headers: Record<string, string> = {}) =>
    fetch(url, {
      method: 'HEAD',
      headers: { Accept: MANIFESTS, ...headers },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  let answer = await ask();
  const challenge = answer.headers.get('www-authenticate');
  if (answer.status === 401 && challenge)
    answer = await ask({ Authorization: `Bearer ${await anonymousToken(challenge)}` });
  const digest = answer.headers.get('docker-content-digest') ?? '';
  if (!answer.ok || !/^sha256:[0-9a-f]{64}$/.test(digest))
    throw new Error(`${url} answered ${answer.status} without a digest`);
  return digest;
};

const IMAGE =
  /^(?<name>[A-Z_]+)=(?<registry>[^/]+)\/(?<repository>[^:]+):(?<tag>[^@]+)(?<pinned>@sha256:\w+)?$/;
const NOT_PINNED = ' Not pinned: its digest could not be read.';

/** The file with current digests. Each of its lines is a comment, an image, or empty. */
export const pinned = async (
  text: string,
  onFailure: (name: string, reason: string) => void,
): Promise<string> => {
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    const {
      name = '',
      registry = '',
      repository = '',
      tag = '',
      pinned = '',
    } = IMAGE.exec(line)?.groups ?? {};
    if (name === '') continue;
    const digest = await readDigest(registry, repository, tag).catch((error: unknown) => {
      onFailure(name, errorText(error));
      return pinned.slice(1);
    });
    lines[index] = `${name}=${registry}/${repository}:${tag}${digest && `@${digest}`}`;
    const comment = (lines[index - 1] ?? '').replace(NOT_PINNED, '');
    if (comment.startsWith('#')) lines[index - 1] = digest ? comment : `${comment}${NOT_PINNED}`;
  }
  return lines.join('\n');
};

if (process.argv[1] === fileURLToPath(import.meta.url))
  await runCommand({ head: HEAD, options }, async ({ file }) => {
    const failures: string[] = [];
    const before = readFileSync(file, 'utf8');
    const after = await pinned(before, (name, reason) => failures.push(`${name} stays as it is: ${reason}`));
    writeFileSync(file, after);
    for (const failure of failures) print(failure);
    print(
      after === before
        ? 'Nothing has changed.'
        : `Written: ${file}. Commit it; the next push builds on them.`,
    );
    return failures.length > 0 ? 1 : 0;
  });
