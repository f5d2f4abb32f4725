import { AwsError, operation } from '../../../../scripts/aws-double/protocol.ts';
import { type Anything, anything, type MotoHandler } from './overlay.ts';
import { Tags, writtenTags } from './tags.ts';

/** A kind of resource that moto does not keep. */
export interface ResourceKind {
  readonly name: string;
  /** Names of the service's exceptions. */
  readonly errors: { readonly missing: string; readonly duplicate: string };
  /** Names of operations, where they are not Create, Describe and Update before the kind's name. */
  readonly operations?: { readonly read?: string; readonly update?: string };
  /** Field of a creation that holds the tags. @default Tags */
  readonly tagField?: string;
  /** Made of the fields that name a resource, in a request as in what is kept. */
  readonly arn: (named: Anything, region: string) => string;
  /** What is kept of a creation. */
  readonly build: (request: Anything, region: string) => Anything;
  /** What an update changes, with the fields that name the resource. @default the request */
  readonly change?: (request: Anything, find: (named: Anything) => Anything) => Anything;
  /** Whether another resource is in the way of a new one. @default one of the same ARN */
  readonly clashes?: (resource: Anything, other: Anything) => boolean;
  /** @throws AwsError when the resource may not be deleted yet */
  readonly beforeDelete?: (resource: Anything) => void;
  /** The answer to a creation or an update. @default nothing */
  readonly changed?: (resource: Anything) => object;
  /** The answer to a read. @default the resource */
  readonly described?: (resource: Anything) => object;
}

/** Keeps the resources of a kind, with their tags, and answers the operations on them. */
export const keep = (kind: ResourceKind, tags = new Tags()) => {
  const { name, errors, tagField = 'Tags', changed = () => ({}), described = (resource) => resource } = kind;
  const { read = `Describe${name}`, update = `Update${name}` } = kind.operations ?? {};
  /** By ARN. */
  const resources = new Map<string, Anything>();
  const notFound = (arn: string) => new AwsError(errors.missing, `${name} ${arn} does not exist`);
  const find = (named: Anything, region: string): Anything => {
    const arn = kind.arn(named, region);
    const found = resources.get(arn);
    if (!found) throw notFound(arn);
    return found;
  };

  const operations: Readonly<Record<string, MotoHandler>> = {
    [`Create${name}`]: operation(anything, ({ [tagField]: given = [], ...request }, { region }) => {
      const resource = kind.build(request, region);
      const arn = kind.arn(resource, region);
      if (resources.has(arn) || [...resources.values()].some((other) => kind.clashes?.(resource, other)))
        throw new AwsError(errors.duplicate, `${name} already exists: ${arn}`);
      resources.set(arn, resource);
      tags.add(arn, writtenTags.parse(given));
      return changed(resource);
    }),
    [read]: operation(anything, (request, { region }) => described(find(request, region))),
    [update]: operation(anything, (request, { region }) => {
      const change = kind.change?.(request, (named) => find(named, region)) ?? request;
      const resource = { ...find(change, region), ...change };
      resources.set(kind.arn(resource, region), resource);
      return changed(resource);
    }),
    [`Delete${name}`]: operation(anything, (request, { region }) => {
      const resource = find(request, region);
      kind.beforeDelete?.(resource);
      const arn = kind.arn(resource, region);
      resources.delete(arn);
      tags.forget(arn);
      return {};
    }),
  };
  return { operations, resources, find, notFound, tags };
};
