import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { ROOT } from '../../scripts/shared/paths.ts';

const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')));

test('docs/commands.md lists every npm script, and no other', () => {
  const table = readFileSync(path.join(ROOT, 'docs/commands.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|'));
  const listed = [...table.join('\n').matchAll(/npm (?:run )?([a-z][a-z-]*(?::[a-z0-9]+)?)/g)].map(
    ([, name]) => name,
  );
  assert.deepEqual([...new Set(listed)].sort(), Object.keys(scripts).sort());
});

/** The pages at the top and those of the docs, with their texts. */
const pages = [
  ...['README.md', 'README.ko.md', 'CONTRIBUTING.md', 'SECURITY.md'],
  ...readdirSync(path.join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => path.join('docs', file)),
].map((file) => [file, readFileSync(path.join(ROOT, file), 'utf8')] as const);

/** Every target that a pattern finds in the pages, from the root. */
const named = (pattern: RegExp, from: (page: string) => string): string[] =>
  pages.flatMap(([page, text]) =>
    [...text.matchAll(pattern)].map(([, target = '']) => path.join(from(page), target)),
  );

for (const [what, targets] of Object.entries({
  'links to': named(/\]\((?!http|#)([^)#]+)/g, path.dirname),
  names: named(/`(?:[^`\n]* )?((?:docs|model|scripts|services|stacks|tests)\/[\w./-]*)[^`\n]*`/g, () => ''),
}))
  test(`what the documentation ${what} exists`, () => {
    assert.ok(targets.length > 10);
    assert.deepEqual(
      targets.filter((target) => !existsSync(path.join(ROOT, target))),
      [],
    );
  });

test('the README has at most 70 lines', () => {
  const [[, readme] = ['', '']] = pages;
  assert.ok(readme.trimEnd().split('\n').length <= 70);
});

/** What a module imports: packages, and files of ours as absolute paths. */
const importsOf = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/^(?:import|export|\}) .*?from '([^']+)'/gm)].map(
    ([, name = '']) => (name.startsWith('.') ? path.resolve(path.dirname(file), name) : name),
  );

/** The packages that a module of ours and all that it imports ask for. */
const packagesOf = (file: string, seen = new Set<string>()): string[] => {
  if (seen.has(file)) return [];
  seen.add(file);
  return importsOf(file).flatMap((name) => (path.isAbsolute(name) ? packagesOf(name, seen) : [name]));
};

/** Each imports only those before it: see docs/architecture.md. */
const ROOMS =
  'contract shared photo data network savedmodel backbone backend evaluation out-of-distribution calibration report training jobs'
    .split(' ')
    .map((room) => `model/${room}`)
    .concat('services', 'stacks', 'scripts');

test('imports follow the order of the rooms', () => {
  const roomOf = (file: string) =>
    ROOMS.findIndex((room) => file.startsWith(path.join(ROOT, room, path.sep)));
  const files = ROOMS.flatMap((room) =>
    readdirSync(path.join(ROOT, room), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !/\.test\.ts$|(^|\/)test-|node_modules/.test(file))
      .map((file) => path.join(ROOT, room, file)),
  );
  assert.ok(files.length > 200);
  const backwards = files.flatMap((file) =>
    importsOf(file)
      .filter((imported) => roomOf(imported) > roomOf(file))
      .map((imported) => `${file} imports ${imported}`),
  );
  assert.deepEqual(backwards, []);
});

for (const service of ['web', 'was']) {
  const dockerfile = readFileSync(path.join(ROOT, `services/${service}/Dockerfile`), 'utf8');
  const removed = [...dockerfile.matchAll(/ node_modules\/(\S+)/g)].map(([, name = '']) => name);

  test(`the image of ${service} holds all the files that it imports`, () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, paths = '']) =>
      paths.split(' ').map((each) => path.join(ROOT, each)),
    );
    const files = new Set<string>();
    packagesOf(path.join(ROOT, `services/${service}/server.ts`), files);
    assert.ok(files.size > 5);
    assert.deepEqual(
      [...files].filter((file) => !copied.some((each) => file === each || file.startsWith(`${each}/`))),
      [],
    );
  });

  test(`the image of ${service} leaves out only packages that the service does not import`, () => {
    assert.ok(removed.includes('@tensorflow'));
    const packages = packagesOf(path.join(ROOT, `services/${service}/server.ts`));
    assert.ok(packages.includes('hono'));
    const missing = packages.filter((name) =>
      removed.some((each) => name.startsWith(each.replace('@img', 'sharp'))),
    );
    assert.deepEqual(missing, []);
  });

  test(`the image of ${service} runs its server itself, without root’s rights`, () => {
    assert.match(dockerfile, new RegExp(`^CMD \\["node", "dist/services/${service}/server.js"\\]$`, 'm'));
    assert.match(dockerfile, /^USER node$/m);
  });
}
