import type { Declaration, SynthesizedStack } from './synthesized.ts';

const SHARED = 'shared';
const NO_LONGER = 'no longer in the code';

/** `<stack>/<area>/<construct>`: what lies directly in the stack belongs to no area. */
const AREA_AND_MORE = 3;

const areaOfPath = ([, area = SHARED, ...inner]: readonly string[]): string =>
  inner.length + 2 >= AREA_AND_MORE ? area : SHARED;

/**
 * The part of the system that a resource belongs to: the outermost construct around it. What the code has no longer is
 * known by its name, which starts with the area.
 */
export const areaOf = (name: string, declared: Declaration | undefined, stack: SynthesizedStack): string => {
  if (declared) return areaOfPath(declared.path);
  const areas = new Set([...stack.resources.values()].map(({ path }) => areaOfPath(path)));
  const fitting = [...areas].filter((area) => name === area || name.startsWith(`${area}-`));
  return fitting.sort((one, other) => other.length - one.length)[0] ?? NO_LONGER;
};

/** Things by area, areas in the order of the alphabet. */
export const byArea = <T extends { readonly area: string }>(
  things: readonly T[],
): ReadonlyMap<string, readonly T[]> => {
  const groups = new Map<string, T[]>();
  for (const thing of things) {
    const group = groups.get(thing.area) ?? [];
    groups.set(thing.area, [...group, thing]);
  }
  return new Map([...groups].sort(([one], [other]) => one.localeCompare(other)));
};
