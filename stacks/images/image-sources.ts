import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Pins the base images; a change rebuilds all images. */
const BASE_IMAGES = 'stacks/images/base-images.env';

/**
 * The paths that an image is built from: those that its Dockerfile copies, the Dockerfile itself, and the base images.
 * `stacks/delivery/build-image.sh` computes the image's tag from the same paths.
 *
 * @param dockerfile path in the repository
 * @returns patterns for CodePipeline's triggers: files, and folders with everything below them
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
