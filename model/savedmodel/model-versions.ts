/** Whether a version is above another, by number. */
export const isNewer = (version: string, other: string): boolean => BigInt(version) > BigInt(other);

/**
 * The newest of a model's versions, as TensorFlow Serving's default policy picks it.
 *
 * @param names of what is in the model's folder; those that are not digits are no versions
 */
export const newestVersion = (names: readonly string[]): string | undefined =>
  names.filter((name) => /^\d+$/.test(name)).sort((a, b) => (isNewer(a, b) ? -1 : 1))[0];
