import { z } from 'zod';
import { type AwsCaller, arn, type Handler, invalid, operation, type Place } from './protocol.ts';
import { type AwsState, productionVariant } from './state.ts';

/** SageMaker reports most errors as ValidationException, so callers distinguish them by their message. */
const KINDS = {
  endpoint: 'endpoint',
  'endpoint-config': 'endpoint configuration',
  model: 'model',
} as const;

/** ARNs of SageMaker's resources, and the errors that name them. */
export const sageMakerNames = (place: Place) => {
  const resourceArn = (kind: keyof typeof KINDS, name: string) => arn(place, 'sagemaker', `${kind}/${name}`);
  return {
    resourceArn,
    notFound: (kind: keyof typeof KINDS, name: string) =>
      invalid(`Could not find ${KINDS[kind]} "${resourceArn(kind, name)}".`),
    alreadyExists: (kind: keyof typeof KINDS, name: string) =>
      invalid(`Cannot create already existing ${KINDS[kind]} "${resourceArn(kind, name)}".`),
  };
};

export const sageMakerName = z.string().regex(/^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/);

const named = z.strictObject({ EndpointConfigName: sageMakerName });
const creation = named.extend({ ProductionVariants: z.tuple([productionVariant]) });
const listing = z.strictObject({ NameContains: z.string().default(''), NextToken: z.string().default('0') });

/** SageMaker's default page size. */
const PAGE = 10;

/**
 * SageMaker's endpoint configurations.
 *
 * @param now milliseconds since 1970
 */
export const createEndpointConfigs = (
  { contents: { endpointConfigs } }: AwsState,
  place: Place,
  now: () => number,
  modelExists: (name: string) => boolean,
) => {
  const { resourceArn, notFound, alreadyExists } = sageMakerNames(place);
  const configArn = (name: string) => resourceArn('endpoint-config', name);
  /** @throws AwsError if there is no such configuration */
  const variant = (name: string) => {
    const found = endpointConfigs[name];
    if (!found) throw notFound('endpoint-config', name);
    return found.ProductionVariants[0];
  };
  const create = ({ EndpointConfigName, ProductionVariants }: z.infer<typeof creation>): void => {
    if (endpointConfigs[EndpointConfigName]) throw alreadyExists('endpoint-config', EndpointConfigName);
    const [{ ModelName }] = ProductionVariants;
    if (!modelExists(ModelName)) throw notFound('model', ModelName);
    endpointConfigs[EndpointConfigName] = { ProductionVariants, CreationTime: now() / 1000 };
  };
  const remove = (name: string): void => {
    variant(name);
    delete endpointConfigs[name];
  };
  const operations = {
    CreateEndpointConfig: operation(creation, (input, caller: AwsCaller) => {
      const EndpointConfigArn = configArn(input.EndpointConfigName);
      caller.assertAllowed('sagemaker:CreateEndpointConfig', EndpointConfigArn);
      for (const { ModelName } of input.ProductionVariants)
        caller.assertAllowed('sagemaker:CreateEndpointConfig', resourceArn('model', ModelName));
      create(input);
      return { EndpointConfigArn };
    }),
    ListEndpointConfigs: operation(listing, ({ NameContains, NextToken }, caller: AwsCaller) => {
      caller.assertAllowed('sagemaker:ListEndpointConfigs', '*');
      const found = Object.entries(endpointConfigs).filter(([name]) => name.includes(NameContains));
      const end = Number(NextToken) + PAGE;
      const EndpointConfigs = found.slice(Number(NextToken), end).map(([name, { CreationTime }]) => ({
        EndpointConfigName: name,
        EndpointConfigArn: configArn(name),
        CreationTime,
      }));
      return { EndpointConfigs, ...(end < found.length && { NextToken: String(end) }) };
    }),
    DeleteEndpointConfig: operation(named, ({ EndpointConfigName: name }, caller: AwsCaller) => {
      caller.assertAllowed('sagemaker:DeleteEndpointConfig', configArn(name));
      remove(name);
      return {};
    }),
  } satisfies Record<string, Handler<AwsCaller>>;
  return {
    operations,
    variant,
    create,
    delete: remove,
    /** Sorted. */
    get names(): string[] {
      return Object.keys(endpointConfigs).sort();
    },
  };
};
