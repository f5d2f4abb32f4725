import { TerraformProgress } from './apply-progress.ts';
import { type Planned, terraformError } from './planning.ts';
import type { Report } from './status.ts';
import type { Terraform } from './terraform.ts';

/**
 * Applies a plan.
 *
 * @throws Error with what Terraform says of every resource that failed; the others are done and in the state
 */
export const apply = async (
  terraform: Terraform,
  { file, operations }: Planned,
  report: Report,
): Promise<void> => {
  const progress = new TerraformProgress(operations);
  const { exitCode, errors } = await terraform.follow(['apply', '-json', '-input=false', file], (line) => {
    progress.accept(line);
    if (operations > 0) report(progress.now, progress.latest);
  });
  if (exitCode === 0) return;
  const { message } = terraformError('apply', progress, errors);
  throw new Error(
    `${message}\n\n${progress.done} of ${operations} operations are done and saved. Mend the cause and run the same command again: it goes on from here.`,
  );
};
