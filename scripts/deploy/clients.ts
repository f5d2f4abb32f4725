import { setTimeout as sleep } from 'node:timers/promises';
import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ECRClient } from '@aws-sdk/client-ecr';
import { ECSClient } from '@aws-sdk/client-ecs';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { duration } from '../../model/shared/text.ts';
import { CommandError, INTERRUPTED, type Report } from '../shared/cli.ts';

/** Clients for one region, with the SDK's credentials. They retry often, so that long waits survive a few failures. */
export const createClients = (region: string) => {
  const settings = { region, maxAttempts: 6 };
  return {
    codeBuild: new CodeBuildClient(settings),
    ec2: new EC2Client(settings),
    ecr: new ECRClient(settings),
    ecs: new ECSClient(settings),
    s3: new S3Client(settings),
    sageMaker: new SageMakerClient(settings),
  };
};

export type AwsClients = ReturnType<typeof createClients>;

/** The items on all pages of a paginated request. */
export const listAll = async <Page, Item>(
  pages: AsyncIterable<Page>,
  items: (page: Page) => readonly Item[] | undefined,
): Promise<Item[]> => {
  const all: Item[] = [];
  for await (const page of pages) all.push(...(items(page) ?? []));
  return all;
};

export interface Waiting {
  readonly intervalMs: number;
  /** Timeout, in milliseconds. */
  readonly limitMs: number;
  readonly report: Report;
}

/**
 * Polls until there is a result. The SDK's waiters cannot report progress, stop when ECS gives up a deployment, or
 * repeat a deletion that was refused.
 *
 * @param what for the message, such as "the endpoint to be deleted"
 * @param look resolves to `undefined` while there is no result yet; it may report progress with `say`
 * @throws Error on timeout or Ctrl-C
 */
export const waitFor = async <T>(
  what: string,
  { intervalMs, limitMs, report }: Waiting,
  look: (say: (status: string) => void) => Promise<T | undefined>,
): Promise<T> => {
  const began = performance.now();
  const say = (status: string) =>
    report(`${status} (${duration((performance.now() - began) / 1000)})`, status);
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.once(signal, interrupt);
  try {
    for (;;) {
      const answer = await look(say);
      if (answer !== undefined) return answer;
      if (performance.now() - began > limitMs)
        throw new Error(
          `Waited ${Math.round(limitMs / 60_000)} min for ${what}. Check it in the AWS console, or run the command again to keep waiting.`,
        );
      await sleep(intervalMs, undefined, interruption).catch(() => {});
      if (interruption.signal.aborted)
        throw new CommandError(
          `Stopped waiting for ${what}. What was started continues in AWS; the same command resumes from there.`,
          INTERRUPTED,
        );
    }
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
  }
};
