/** `a`, `.b`, `[0]` and `['c d']`, the ways in which a path goes on. */
const SEGMENT = /\.?([^.[\]]+)|\[(\d+)\]|\['([^']+)'\]/y;

/** @throws Error when the path is not written as SageMaker writes them */
const segmentsOf = (path: string): string[] => {
  const segments: string[] = [];
  SEGMENT.lastIndex = 0;
  while (SEGMENT.lastIndex < path.length) {
    const at = SEGMENT.lastIndex;
    const [, name, index, key] = SEGMENT.exec(path) ?? [];
    const segment = name ?? index ?? key;
    if (segment === undefined)
      throw new Error(`The path ${path} cannot be read from its character ${at + 1} on.`);
    segments.push(segment);
  }
  return segments;
};

const has = (value: unknown, key: string): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key);

/**
 * The value at a path such as `ModelArtifacts.S3ModelArtifacts` or `Outputs['evaluation'].S3Output.S3Uri`.
 *
 * @param name what `root` is, for the message
 * @throws Error when there is nothing there
 */
export const propertyAt = (root: unknown, path: string, name: string): unknown => {
  let value = root;
  for (const segment of segmentsOf(path)) {
    if (!has(value, segment)) throw new Error(`${name} has nothing at ${path}.`);
    value = value[segment];
  }
  return value;
};
