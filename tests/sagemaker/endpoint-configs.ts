import { z } from 'zod';
import { configArn } from './arns.ts';
import { invalid } from './aws-error.ts';
import type { Models } from './models.ts';

const name = z.string().regex(/^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/);

const variant = z.strictObject({
  VariantName: z.string(),
  ModelName: z.string(),
  InstanceType: z.string(),
  InitialInstanceCount: z.int().min(1),
});

const createInput = z.strictObject({
  EndpointConfigName: name,
  ProductionVariants: z.tuple([variant]),
});
const oneInput = z.strictObject({ EndpointConfigName: z.string() });
const listInput = z.strictObject({ NameContains: z.string(), NextToken: z.string().optional() });

interface EndpointConfig {
  readonly name: string;
  readonly variant: z.infer<typeof variant>;
  /** Milliseconds. */
  readonly createdAt: number;
}

/** As many as SageMaker gives at a time by default. */
const PAGE = 10;

/** Configurations of endpoints. */
export class EndpointConfigs {
  readonly #configs = new Map<string, EndpointConfig>();
  readonly #models: Models;
  readonly #now: () => number;

  constructor(models: Models, now: () => number) {
    this.#models = models;
    this.#now = now;
  }

  get names(): string[] {
    return [...this.#configs.keys()].sort();
  }

  /** Makes a configuration, as somebody did long ago. */
  add(configName: string, modelName: string, { instances = 1, instanceType = 'ml.m5.large' } = {}): void {
    const ProductionVariants = [
      {
        VariantName: 'AllTraffic',
        ModelName: modelName,
        InstanceType: instanceType,
        InitialInstanceCount: instances,
      },
    ];
    this.create({ EndpointConfigName: configName, ProductionVariants });
  }

  get(configName: string): EndpointConfig {
    const config = this.#configs.get(configName);
    if (!config) throw invalid(`Could not find endpoint configuration "${configArn(configName)}".`);
    return config;
  }

  readonly create = (input: unknown): object => {
    const { EndpointConfigName, ProductionVariants } = createInput.parse(input);
    const EndpointConfigArn = configArn(EndpointConfigName);
    if (this.#configs.has(EndpointConfigName))
      throw invalid(`Cannot create already existing endpoint configuration "${EndpointConfigArn}".`);
    this.#models.get(ProductionVariants[0].ModelName);
    this.#configs.set(EndpointConfigName, {
      name: EndpointConfigName,
      variant: ProductionVariants[0],
      createdAt: this.#now(),
    });
    return { EndpointConfigArn };
  };

  readonly describe = (input: unknown): object => {
    const {
      name: EndpointConfigName,
      variant,
      createdAt,
    } = this.get(oneInput.parse(input).EndpointConfigName);
    return {
      EndpointConfigName,
      EndpointConfigArn: configArn(EndpointConfigName),
      ProductionVariants: [{ ...variant, InitialVariantWeight: 1 }],
      CreationTime: createdAt / 1000,
    };
  };

  readonly delete = (input: unknown): object => {
    const { name: found } = this.get(oneInput.parse(input).EndpointConfigName);
    this.#configs.delete(found);
    return {};
  };

  readonly list = (input: unknown): object => {
    const { NameContains, NextToken = '0' } = listInput.parse(input);
    const found = [...this.#configs.values()].filter((config) => config.name.includes(NameContains));
    const start = Number(NextToken);
    const page = found.slice(start, start + PAGE).map(({ name: EndpointConfigName, createdAt }) => ({
      EndpointConfigName,
      EndpointConfigArn: configArn(EndpointConfigName),
      CreationTime: createdAt / 1000,
    }));
    const more = start + PAGE < found.length ? { NextToken: String(start + PAGE) } : {};
    return { EndpointConfigs: page, ...more };
  };
}
