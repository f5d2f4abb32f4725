import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { errorText } from '../../model/shared/text.ts';

export interface SourceArchive {
  readonly commit: string;
  /** Files with changes that are not committed, and so not in the archive. */
  readonly leftOut: readonly string[];
  readonly zip: Uint8Array;
}

/**
 * Packs the committed source, as a pipeline would get it.
 *
 * @throws Error when git finds no commit
 */
export const packSource = async (folder: string): Promise<SourceArchive> => {
  const git = async (...args: string[]): Promise<Buffer> => {
    const settings = { cwd: folder, encoding: 'buffer', maxBuffer: 2 ** 30 } as const;
    return (await promisify(execFile)('git', args, settings)).stdout;
  };
  const commit = await git('rev-parse', 'HEAD').catch((cause: unknown) => {
    throw new Error(
      `The images are built from the committed source, but git finds no commit here. Run: git init && git add . && git commit\n${errorText(cause).trim()}`,
      { cause },
    );
  });
  const changes = (await git('status', '--porcelain')).toString().split('\n');
  return {
    commit: commit.toString().trim(),
    leftOut: changes.flatMap((line) => (line === '' ? [] : [line.slice(3)])),
    zip: await git('archive', '--format=zip', 'HEAD'),
  };
};
