const children = (value: unknown): unknown[] =>
  typeof value === 'object' && value !== null ? Object.values(value) : [];

/**
 * Whether a JSON document is nested deeper than it may be. Goes level by level: whoever walks such a document by
 * recursion, as `JSON.stringify` does, runs out of stack.
 */
export const isNestedDeeper = (document: unknown, levels: number): boolean => {
  let level = [document];
  for (let depth = 0; depth <= levels; depth += 1) {
    level = level.flatMap(children);
    if (level.length === 0) return false;
  }
  return true;
};
