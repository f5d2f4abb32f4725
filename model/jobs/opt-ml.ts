import path from 'node:path';

/** Folder below which `/opt/ml` lies; for trying a job out on any machine. */
export const ROOT_VARIABLE = 'OPT_ML_ROOT';

/** Where SageMaker's folders lie: the contract's paths, below a root that is `/` in a container. */
export class OptMl {
  readonly root: string;

  constructor(root: string) {
    this.root = path.resolve(root);
  }

  static from(environment: NodeJS.ProcessEnv): OptMl {
    return new OptMl(environment[ROOT_VARIABLE] || '/');
  }

  /** @param contractPath absolute, as in a container */
  at(contractPath: string, ...below: readonly string[]): string {
    return path.join(this.root, contractPath, ...below);
  }
}
