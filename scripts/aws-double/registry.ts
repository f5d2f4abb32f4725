import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { type AwsCaller, type Handler, invalid, localArn, operation } from './protocol.ts';

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

/** A SageMaker model: the archive to serve, and the image that serves it. */
export type SageMakerModel = z.infer<typeof modelSchema>;

const writeJson = (file: string, value: unknown): void => {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
};

/** The fields that are used here; others are preserved. */
const packageSchema = z.looseObject({
  ModelPackageArn: z.string(),
  ModelPackageVersion: z.int(),
  ModelApprovalStatus: z.enum(['Approved', 'PendingManualApproval', 'Rejected']),
  CreationTime: z.string(),
});

const group = z.strictObject({
  ModelPackageGroupName: z.string(),
  SortBy: z.literal('CreationTime'),
  SortOrder: z.literal('Descending'),
  MaxResults: z.int().min(1).max(100),
});
const oneVersion = z.strictObject({ ModelPackageName: z.string() });
const approval = z.strictObject({
  ModelPackageArn: z.string(),
  ModelApprovalStatus: packageSchema.shape.ModelApprovalStatus,
  ApprovalDescription: z.string().max(1024),
});

/** SageMaker's models and model packages, each a folder of JSON files. */
export class ModelRegistry {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  #modelFile(name: string): string {
    return path.join(this.#root, 'models', `${path.basename(name)}.json`);
  }

  createModel(model: Omit<SageMakerModel, 'ModelArn' | 'CreationTime'>): SageMakerModel {
    const ModelArn = localArn(`model/${model.ModelName.toLowerCase()}`);
    const created = { ...model, ModelArn, CreationTime: new Date().toISOString() };
    writeJson(this.#modelFile(model.ModelName), created);
    return created;
  }

  hasModel(name: string): boolean {
    return existsSync(this.#modelFile(name));
  }

  /** @returns `undefined` if there is no such model */
  findModel(name: string): SageMakerModel | undefined {
    if (!this.hasModel(name)) return undefined;
    return modelSchema.parse(JSON.parse(readFileSync(this.#modelFile(name), 'utf8')));
  }

  /**
   * Adds the next version to a model package group, with a copy of its evaluation.
   *
   * @returns its ARN, which ends with the version
   */
  register(group: string, description: object, statistics: string): string {
    const folder = this.#groupFolder(group);
    mkdirSync(folder, { recursive: true });
    const ModelPackageVersion = Math.max(0, ...this.#versions(group)) + 1;
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
      CreatedBy: { UserProfileName: userInfo().username },
    });
    return ModelPackageArn;
  }

  #groupFolder(group: string): string {
    return path.join(this.#root, 'model-packages', path.basename(group));
  }

  #versions(group: string): number[] {
    return existsSync(this.#groupFolder(group))
      ? readdirSync(this.#groupFolder(group)).map(Number).filter(Number.isInteger)
      : [];
  }

  #packageFile(group: string, version: number | string): string {
    return path.join(this.#groupFolder(group), String(version), 'model-package.json');
  }

  /** @throws AwsError if there is no such version */
  #readPackage(group: string, version: number | string) {
    const file = this.#packageFile(group, version);
    if (!existsSync(file)) throw invalid(`ModelPackage ${group}/${version} does not exist.`);
    const found = packageSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    return { ...found, CreationTime: Date.parse(found.CreationTime) / 1000 };
  }

  /** Operations of SageMaker's API. */
  get operations() {
    const parts = (arn: string): [group: string, version: string] => {
      const [, group = '', version = ''] = arn.split('/');
      return [group, version];
    };
    return {
      ListModelPackages: operation(group, ({ ModelPackageGroupName: name, MaxResults }) => ({
        ModelPackageSummaryList: this.#versions(name)
          .sort((one, other) => other - one)
          .slice(0, MaxResults)
          .map((version) => this.#readPackage(name, version)),
      })),
      DescribeModelPackage: operation(oneVersion, ({ ModelPackageName: arn }) =>
        this.#readPackage(...parts(arn)),
      ),
      UpdateModelPackage: operation(approval, ({ ModelPackageArn, ...changes }) => {
        const found = this.#readPackage(...parts(ModelPackageArn));
        const CreationTime = new Date(found.CreationTime * 1000).toISOString();
        writeJson(this.#packageFile(...parts(ModelPackageArn)), { ...found, ...changes, CreationTime });
        return { ModelPackageArn };
      }),
    } satisfies Record<string, Handler<AwsCaller>>;
  }
}
