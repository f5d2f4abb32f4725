import { bullet, code, count, folded, lines, shortened } from '../markdown.ts';
import type { Change } from './changes.ts';
import { type Difference, NOTHING } from './differences.ts';

const LONGEST = 100;
const CONTEXT = 24;

/** Two long texts, cut down to the part in which they differ. */
export const excerpts = ({
  before,
  after,
}: Difference): { readonly before: string; readonly after: string } => {
  if (before === NOTHING || after === NOTHING || Math.max(before.length, after.length) <= LONGEST)
    return { before, after };
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  let end = 0;
  while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) end++;
  const from = Math.max(0, start - CONTEXT);
  const cut = (text: string): string => {
    const to = Math.min(text.length, text.length - end + CONTEXT);
    return `${from > 0 ? '…' : ''}${text.slice(from, to)}${to < text.length ? '…' : ''}`;
  };
  return { before: cut(before), after: cut(after) };
};

/** Longer lists are folded on GitHub. */
const MANY = 30;

interface Told {
  readonly change: Change;
  readonly places: number;
}

/** The same change at many places of a list, as in a dashboard, is told once. */
const toldOnce = (changes: readonly Change[]): readonly Told[] => {
  const groups = new Map<string, Told>();
  for (const change of changes) {
    const key = JSON.stringify([change.path.replace(/\[\d+\]/g, '[]'), change.before, change.after]);
    const told = groups.get(key);
    groups.set(key, { change: told?.change ?? change, places: (told?.places ?? 0) + 1 });
  }
  return [...groups.values()];
};

const itemText = ({ change, places }: Told): string => {
  const { before, after } = excerpts(change);
  const more = places > 1 ? ` (and ${count(places - 1, 'more place')} like it)` : '';
  const forced = change.forcesReplacement ? ' — forces the replacement' : '';
  return bullet(
    `${code(change.path)}${more}: ${code(shortened(before))} → ${code(shortened(after))}${forced}`,
    1,
  );
};

/** A list of what changes in one resource, to stand under its name. */
export const changeList = (changes: readonly Change[]): string => {
  const items = toldOnce(changes).map(itemText);
  return items.length > MANY
    ? `\n${folded(count(items.length, 'change'), lines(...items))}\n`
    : lines(...items);
};
