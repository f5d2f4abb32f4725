import { z } from 'zod';
import { type AwsCaller, arn, type Handler, invalid, operation, type Place } from './protocol.ts';
import { type AwsState, productionVariant } from './state.ts';

/** SageMaker reports most errors as ValidationException; callers go by the wording. */
const KINDS = {
  endpoint: 'endpoint',
  'endpoint-config': 'endpoint configuration',
  model: 'model',
} as const;

/** ARNs of SageMaker's resources in one place, and the errors that name them. */
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

/** As many as SageMaker lists at a time by default. */
const PAGE = 10;

interface EndpointConfigsOptions {
  readonly state: AwsState;
  readonly place: Place;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly modelExists: (name: string) => boolean;
}

/** SageMaker's endpoint configurations. */
export class EndpointConfigs {
  readonly #options: EndpointConfigsOptions;

  constructor(options: EndpointConfigsOptions) {
    this.#options = options;
  }

  /** Sorted. */
  get names(): string[] {
    return Object.keys(this.#options.state.contents.endpointConfigs).sort();
  }

  /** @throws AwsError when there is no such configuration */
  variant(name: string) {
    const found = this.#options.state.contents.endpointConfigs[name];
    if (!found) throw sageMakerNames(this.#options.place).notFound('endpoint-config', name);
    return found.ProductionVariants[0];
  }

  create({ EndpointConfigName, ProductionVariants }: z.infer<typeof creation>): void {
    const { state, place, now, modelExists } = this.#options;
    const { alreadyExists, notFound } = sageMakerNames(place);
    const { endpointConfigs } = state.contents;
    if (endpointConfigs[EndpointConfigName]) throw alreadyExists('endpoint-config', EndpointConfigName);
    const [{ ModelName }] = ProductionVariants;
    if (!modelExists(ModelName)) throw notFound('model', ModelName);
    endpointConfigs[EndpointConfigName] = { ProductionVariants, CreationTime: now() / 1000 };
  }

  delete(name: string): void {
    this.variant(name);
    delete this.#options.state.contents.endpointConfigs[name];
  }

  get operations() {
    const { state, place } = this.#options;
    const { resourceArn } = sageMakerNames(place);
    const configArn = (name: string) => resourceArn('endpoint-config', name);
    const describe = (name: string) => ({ EndpointConfigName: name, EndpointConfigArn: configArn(name) });
    return {
      CreateEndpointConfig: operation(creation, (input, caller: AwsCaller) => {
        const EndpointConfigArn = configArn(input.EndpointConfigName);
        caller.assertAllowed('sagemaker:CreateEndpointConfig', EndpointConfigArn);
        for (const { ModelName } of input.ProductionVariants)
          caller.assertAllowed('sagemaker:CreateEndpointConfig', resourceArn('model', ModelName));
        this.create(input);
        return { EndpointConfigArn };
      }),
      ListEndpointConfigs: operation(listing, ({ NameContains, NextToken }, caller: AwsCaller) => {
        caller.assertAllowed('sagemaker:ListEndpointConfigs', '*');
        const found = Object.entries(state.contents.endpointConfigs).filter(([name]) =>
          name.includes(NameContains),
        );
        const end = Number(NextToken) + PAGE;
        return {
          EndpointConfigs: found
            .slice(Number(NextToken), end)
            .map(([name, { CreationTime }]) => ({ ...describe(name), CreationTime })),
          ...(end < found.length && { NextToken: String(end) }),
        };
      }),
      DeleteEndpointConfig: operation(named, ({ EndpointConfigName: name }, caller: AwsCaller) => {
        caller.assertAllowed('sagemaker:DeleteEndpointConfig', configArn(name));
        this.delete(name);
        return {};
      }),
    } satisfies Record<string, Handler<AwsCaller>>;
  }
}
