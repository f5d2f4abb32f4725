import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { listen } from '../cloud/testing.ts';
import { sha256Of } from './checksum.ts';
import type { VerifiedFile } from './destination.ts';

const file = (name: string, text: string): VerifiedFile => {
  const content = Buffer.from(text);
  return { name, content, bytes: content.length, sha256: sha256Of(content) };
};

/** A made-up network. */
export const WEIGHTS = file('weights.bin', 'weights');
export const MODEL = file('model.json', '{"model": true}');
export const FILES = [WEIGHTS, MODEL] as const;

/** A folder for as long as the test lasts. */
export const temporaryFolder = (t: TestContext): string => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bloomstack-backbone-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
};

/**
 * A server that redirects `/hub/*` to `/store/*`, as TensorFlow Hub does, and there serves files by their name.
 *
 * @returns the address to give, and the paths that were asked for
 */
export const startHub = async (t: TestContext, files: Readonly<Record<string, Uint8Array>>) => {
  const asked: string[] = [];
  const port = await listen(t, ({ url = '' }, response) => {
    asked.push(url);
    const [, folder, name = ''] = /^\/(\w+)\/([^?]*)/.exec(url) ?? [];
    const content = files[name];
    if (folder === 'hub') response.writeHead(302, { location: `/store/${name}` }).end();
    else if (content) response.end(content);
    else response.writeHead(404).end('no such file');
  });
  return { address: `http://127.0.0.1:${port}/hub/?tfjs-format=file`, asked };
};
