import type { ModelRegistry } from '../../aws-double/registry.ts';
import type { LocalS3 } from '../storage/local-s3.ts';

/** What the steps have in place of AWS. */
export interface LocalAws {
  readonly s3: LocalS3;
  readonly registry: ModelRegistry;
  /** Holds a folder per job. */
  readonly jobs: string;
  /** The program that runs the jobs. */
  readonly entryPoint: readonly string[];
  /** Put over the jobs' own environment where they have such a variable. */
  readonly overrides: Readonly<Record<string, string>>;
  /** The environment in which a job reaches the local SageMaker; starts it the first time. */
  readonly sageMaker: () => Promise<Readonly<Record<string, string>>>;
}

/** The environment of a definition, as a machine without a GPU needs it. */
export const overridden = (
  environment: Readonly<Record<string, string>>,
  overrides: LocalAws['overrides'],
): Record<string, string> =>
  Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, overrides[name] ?? value]));
