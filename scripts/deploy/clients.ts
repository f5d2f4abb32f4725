import { setTimeout as sleep } from 'node:timers/promises';
import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ECRClient } from '@aws-sdk/client-ecr';
import { ECSClient } from '@aws-sdk/client-ecs';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { duration } from '../../model/shared/text.ts';
import { CommandError, INTERRUPTED, type Report } from '../shared/cli.ts';

/** Clients of one region, with the SDK's own chain of credentials. Long waits outlast a few failed requests. */
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

/** What the pages of a paginated request list. */
export const listAll = async <Page, Item>(
  pages: AsyncIterable<Page>,
  items: (page: Page) => readonly Item[] | undefined,
): Promise<Item[]> => {
  const all: Item[] = [];
  for await (const page of pages) all.push(...(items(page) ?? []));
  return all;
};

export interface Waiting {
  /** Milliseconds between two looks. */
  readonly intervalMs: number;
  /** Milliseconds after which it is given up. */
  readonly limitMs: number;
  readonly report: Report;
}

/**
 * Looks again and again until there is an answer. The SDK's own waiters neither report what they see, nor end when
 * ECS gives up a deployment, nor ask again for a deletion that was refused.
 *
 * @param what for the message, such as "the endpoint to be deleted"
 * @param look resolves to `undefined` as long as there is none yet; what it sees it may `say`
 * @throws Error when the limit passes, or Ctrl-C ends the wait
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
          `Waited ${Math.round(limitMs / 60_000)} min for ${what}. Look at it in the AWS console; running the command again waits on.`,
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
