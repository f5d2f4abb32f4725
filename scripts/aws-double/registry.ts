import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { localArn } from './protocol.ts';

const modelSchema = z.object({
  ModelName: z.string(),
  ModelArn: z.string(),
  PrimaryContainer: z.object({
    Image: z.string(),
    ModelDataUrl: z.string(),
    Environment: z.record(z.string(), z.string()),
  }),
  ExecutionRoleArn: z.string(),
  EnableNetworkIsolation: z.boolean(),
  CreationTime: z.string(),
});

/** A SageMaker model: what to serve, and with what. */
export type Model = z.infer<typeof modelSchema>;

const writeJson = (file: string, value: unknown): void => {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
};

/** SageMaker's models and model packages, each a folder of JSON files. */
export class ModelRegistry {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  #modelFile(name: string): string {
    return path.join(this.#root, 'models', `${path.basename(name)}.json`);
  }

  createModel(model: Omit<Model, 'ModelArn' | 'CreationTime'>): Model {
    const ModelArn = localArn(`model/${model.ModelName.toLowerCase()}`);
    const created = { ...model, ModelArn, CreationTime: new Date().toISOString() };
    writeJson(this.#modelFile(model.ModelName), created);
    return created;
  }

  hasModel(name: string): boolean {
    return this.findModel(name) !== undefined;
  }

  /** @returns `undefined` when there is no such model */
  findModel(name: string): Model | undefined {
    let text: string;
    try {
      text = readFileSync(this.#modelFile(name), 'utf8');
    } catch {
      return undefined;
    }
    return modelSchema.parse(JSON.parse(text));
  }

  /**
   * Adds the next version to a group of model packages, with a copy of the file of its measurements.
   *
   * @returns its ARN, which ends in the version
   */
  register(group: string, description: object, statistics: string): string {
    const folder = path.join(this.#root, 'model-packages', group);
    mkdirSync(folder, { recursive: true });
    const versions = readdirSync(folder).map(Number).filter(Number.isInteger);
    const ModelPackageVersion = Math.max(0, ...versions) + 1;
    const own = path.join(folder, String(ModelPackageVersion));
    mkdirSync(own);
    copyFileSync(statistics, path.join(own, 'model-quality.json'));
    const ModelPackageArn = localArn(`model-package/${group.toLowerCase()}/${ModelPackageVersion}`);
    writeJson(path.join(own, 'model-package.json'), {
      ModelPackageGroupName: group,
      ModelPackageVersion,
      ModelPackageArn,
      ...description,
      CreationTime: new Date().toISOString(),
    });
    return ModelPackageArn;
  }
}
