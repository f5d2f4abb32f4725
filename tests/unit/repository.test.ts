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
  const table = readFileSync(path.join(ROOT, 'docs/commands.md'), 'utf8');
  const listed = [...table.matchAll(/npm (?:run )?([a-z]+(?::[a-z0-9]+)?)\b/g)].map(([, name]) => name);
  assert.deepEqual([...new Set(listed)].sort(), Object.keys(scripts).sort());
});

test('what the README and the docs link to exists', () => {
  const docs = readdirSync(path.join(ROOT, 'docs')).filter((file) => file.endsWith('.md'));
  const links = ['README.md', ...docs.map((file) => path.join('docs', file))].flatMap((file) =>
    [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(/\]\((?!http|#)([^)#]+)/g)].map(
      ([, target = '']) => path.join(ROOT, path.dirname(file), target),
    ),
  );
  assert.ok(links.length > 10);
  assert.deepEqual(
    links.filter((target) => !existsSync(target)),
    [],
  );
});

/** The packages that a module of ours and all that it imports ask for. */
const packagesOf = (file: string, seen = new Set<string>()): string[] => {
  if (seen.has(file)) return [];
  seen.add(file);
  const imports = [...readFileSync(file, 'utf8').matchAll(/^(?:import|export|\}) .*?from '([^']+)';/gm)];
  return imports.flatMap(([, name = '']) =>
    name.startsWith('.') ? packagesOf(path.resolve(path.dirname(file), name), seen) : [name],
  );
};

for (const service of ['web', 'was']) {
  const dockerfile = readFileSync(path.join(ROOT, `services/${service}/Dockerfile`), 'utf8');
  const removed = [...dockerfile.matchAll(/ node_modules\/(\S+)/g)].map(([, name = '']) => name);

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
