import type { Resource } from '../input/resource.ts';
import { blocks, bullet, code, lines, paragraph } from '../markdown.ts';
import { changeList } from './change-text.ts';
import { changesOf } from './changes.ts';
import { resourceText } from './resource-text.ts';

/** What changes its address, or is given up by Terraform and stays in AWS. */
export const stateSection = (resources: readonly Resource[]): string => {
  const moved = resources.flatMap(({ address, movedFrom }) =>
    movedFrom === undefined ? [] : bullet(`${code(movedFrom)} → ${code(address)}`),
  );
  const forgotten = resources
    .filter(({ action }) => action === 'forget')
    .map((resource) => bullet(resourceText(resource)));
  return blocks(
    moved.length > 0 ? blocks(`## Renamed in the state only: ${moved.length}`, lines(...moved)) : '',
    forgotten.length > 0
      ? blocks(`## Given up by Terraform, kept in AWS: ${forgotten.length}`, lines(...forgotten))
      : '',
  );
};

/** What the code sets and somebody else has changed; AWS itself changes many other attributes. */
const changesByOthers = (resource: Resource) =>
  changesOf(resource).filter(
    ({ path }) => !resource.declared || resource.declared[path.split(/[.[]/)[0] ?? ''] !== undefined,
  );

/** What somebody has changed without Terraform since the last apply. */
export const driftSection = (drifted: readonly Resource[]): string => {
  const told = drifted.flatMap((resource) => {
    const changes = changesByOthers(resource);
    const isGone = resource.action === 'destroy';
    if (changes.length === 0 && !isGone) return [];
    const title = bullet(`${resourceText(resource)}${isGone ? ': gone' : ''}`);
    return [isGone ? title : lines(title, changeList(changes))];
  });
  if (told.length === 0) return '';
  return blocks(
    `## Changed outside Terraform: ${told.length}`,
    paragraph('AWS differs from what Terraform has last seen. The plan starts from what is there now.'),
    lines(...told),
  );
};
