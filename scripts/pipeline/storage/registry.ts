import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { localArn } from './arn.ts';

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

const jsonText = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

const writeJson = async (file: string, value: unknown): Promise<void> => {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, jsonText(value));
};

/** SageMaker's models and model packages, each a folder of JSON files. */
export class Registry {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  #modelFile(name: string): string {
    return path.join(this.#root, 'models', `${name}.json`);
  }

  async createModel(model: Omit<Model, 'ModelArn' | 'CreationTime'>): Promise<Model> {
    const ModelArn = localArn(`model/${model.ModelName.toLowerCase()}`);
    const created = { ...model, ModelArn, CreationTime: new Date().toISOString() };
    await writeJson(this.#modelFile(model.ModelName), created);
    return created;
  }

  /** @returns undefined when there is no such model */
  async describeModel(name: string): Promise<Model | undefined> {
    const text = await readFile(this.#modelFile(path.basename(name)), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : modelSchema.parse(JSON.parse(text));
  }

  /**
   * Adds the next version to a group of model packages, with a copy of what the model was measured at.
   *
   * @param statistics the file of the measurements
   * @returns its ARN, which ends in the version
   */
  async register(group: string, description: object, statistics: string): Promise<string> {
    const folder = path.join(this.#root, 'model-packages', group);
    await mkdir(folder, { recursive: true });
    const versions = (await readdir(folder)).map(Number).filter(Number.isInteger);
    const ModelPackageVersion = Math.max(0, ...versions) + 1;
    const own = path.join(folder, String(ModelPackageVersion));
    await mkdir(own);
    await copyFile(statistics, path.join(own, 'model-quality.json'));
    const ModelPackageArn = localArn(`model-package/${group.toLowerCase()}/${ModelPackageVersion}`);
    await writeJson(path.join(own, 'model-package.json'), {
      ModelPackageGroupName: group,
      ModelPackageVersion,
      ModelPackageArn,
      ...description,
      CreationTime: new Date().toISOString(),
    });
    return ModelPackageArn;
  }
}
