import type { Resource } from '../input/resource.ts';
import { blocks, bullet, count, folded, lines } from '../markdown.ts';
import { changeList } from './change-text.ts';
import { type Change, changesOf, isTagsOnly } from './changes.ts';
import { perArea, resourceText } from './resource-text.ts';

/** More resources of which only tags change are folded. */
const FEW = 3;

interface Updated {
  readonly area: string;
  readonly resource: Resource;
  readonly changes: readonly Change[];
}

const updatedText = ({ resource, changes }: Updated): string =>
  lines(
    bullet(resourceText(resource)),
    changes.length > 0 ? changeList(changes) : bullet('only what AWS computes by itself', 1),
  );

const tagsText = (tagged: readonly Updated[]): string => {
  if (tagged.length === 0) return '';
  const list = lines(...tagged.map(updatedText));
  return blocks('### Tags only', tagged.length > FEW ? folded(count(tagged.length, 'resource'), list) : list);
};

/** What is changed and stays. */
export const updatedSection = (resources: readonly Resource[]): string => {
  const updated = resources
    .filter(({ action }) => action === 'update')
    .map((resource) => ({ resource, area: resource.area, changes: changesOf(resource) }));
  if (updated.length === 0) return '';
  const tagged = updated.filter(({ changes }) => isTagsOnly(changes));
  const others = updated.filter((each) => !tagged.includes(each));
  return blocks(`## Changed in place: ${updated.length}`, perArea(others, updatedText), tagsText(tagged));
};
