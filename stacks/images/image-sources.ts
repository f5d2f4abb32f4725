import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What the images begin with; a push that changes it builds all of them. */
const BASE_IMAGES = 'stacks/images/base-images.env';

/**
 * What an image is made of: the paths that its Dockerfile copies from the source, the folder of the Dockerfile, and the
 * base images. `stacks/delivery/build-image.sh` makes the image's tag of the same.
 *
 * @param dockerfile its path in the source
 * @returns patterns as CodePipeline's triggers take them: files, and folders with all below them
 */
export const imageSources = (dockerfile: string): readonly string[] => {
  const copied = readFileSync(path.join(ROOT, dockerfile), 'utf8').matchAll(/^COPY (?!--from)(.*) \S+$/gm);
  const paths = [...copied].flatMap(([, sources = '']) => sources.split(' '));
  const patterns = [...paths, dockerfile, BASE_IMAGES].map((each) =>
    statSync(path.join(ROOT, each)).isDirectory() ? `${each}/**` : each,
  );
  const covered = (each: string) =>
    patterns.some((other) => other !== each && other.endsWith('/**') && each.startsWith(other.slice(0, -2)));
  return [...new Set(patterns)].filter((each) => !covered(each));
};
