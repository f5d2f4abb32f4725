import { isDeepStrictEqual } from 'node:util';
import type { RegisterTaskDefinitionCommandInput, Tag, TaskDefinition } from '@aws-sdk/client-ecs';

/**
 * The settings of a revision: what RegisterTaskDefinition takes, without what ECS adds on registering.
 *
 * @throws Error when ECS described it without a family or containers
 */
export const settingsOf = (definition: TaskDefinition): RegisterTaskDefinitionCommandInput => {
  const {
    taskDefinitionArn: _arn,
    revision: _revision,
    status: _status,
    requiresAttributes: _attributes,
    compatibilities: _compatibilities,
    registeredAt: _registeredAt,
    registeredBy: _registeredBy,
    deregisteredAt: _deregisteredAt,
    family,
    containerDefinitions,
    ...settings
  } = definition;
  if (family === undefined || containerDefinitions === undefined)
    throw new Error(`ECS described a task definition without family or containers: ${_arn}.`);
  return { ...settings, family, containerDefinitions };
};

/** Image of a container in a task definition. */
export const imageOf = (definition: TaskDefinition, container: string): string | undefined =>
  definition.containerDefinitions?.find(({ name }) => name === container)?.image;

/** A definition's settings, but with another image in one container. */
export const withImage = (
  definition: TaskDefinition,
  container: string,
  image: string | undefined,
): RegisterTaskDefinitionCommandInput => {
  const settings = settingsOf(definition);
  const containerDefinitions = settings.containerDefinitions?.map((each) =>
    each.name === container ? { ...each, image } : each,
  );
  return { ...settings, containerDefinitions };
};

/** Settings with tags on the new revision; without, when there are none. */
export const withTags = (
  settings: RegisterTaskDefinitionCommandInput,
  tags: Tag[] | undefined,
): RegisterTaskDefinitionCommandInput => (tags && tags.length > 0 ? { ...settings, tags } : settings);

const byName = <T extends { name?: string | undefined }>(list: T[] | undefined): T[] =>
  [...(list ?? [])].sort((a, b) => (a.name ?? '').localeCompare(b.name ?? ''));

/** ECS keeps no order of the variables, and says an empty list as a missing one. */
const comparable = (definition: TaskDefinition, container: string): unknown => {
  const { containerDefinitions, ...settings } = withImage(definition, container, undefined);
  const containers = byName(containerDefinitions).map((each) => ({
    ...each,
    environment: byName(each.environment),
    secrets: byName(each.secrets),
  }));
  const withoutUndefined: unknown = JSON.parse(
    JSON.stringify({ ...settings, containers }, (_key, value) =>
      Array.isArray(value) && value.length === 0 ? undefined : value,
    ),
  );
  return withoutUndefined;
};

/** Whether two revisions differ at most in the image of one container. */
export const sameSettings = (one: TaskDefinition, other: TaskDefinition, container: string): boolean =>
  isDeepStrictEqual(comparable(one, container), comparable(other, container));
