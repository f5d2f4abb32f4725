import { json } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { z } from 'zod';
import { AwsError, requestTarget, sendJson, startLocalServer } from '../aws-double/protocol.ts';

type Input = Record<string, unknown>;
/** Implements an operation of AWS, such as `DescribeServices`. */
export type Operations = Readonly<Record<string, (input: Input) => unknown>>;

/** Serves HTTP until the test ends, and resolves to the URL. */
export const startTestServer = async (
  t: TestContext,
  answer: Parameters<typeof startLocalServer>[0],
): Promise<string> => {
  const { url, stop } = await startLocalServer(answer);
  t.after(stop);
  return url;
};

/** Settings of an SDK client for a local server. */
export const clientSettings = (endpoint: string) => ({
  region: 'ap-northeast-2',
  endpoint,
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  maxAttempts: 1,
});

/** Short waits, and their reports. */
export const quickly = (onLog: (log: string) => void = () => {}) => ({
  intervalMs: 1,
  limitMs: 5000,
  report: (line: string, log = line) => onLog(log),
});

/**
 * An AWS service with its JSON protocol, until the test ends.
 *
 * @returns settings of an SDK client, the calls, and waits that collect their reports
 */
export const startFakeAws = async (t: TestContext, operations: Operations) => {
  const calls: { operation: string; input: Input }[] = [];
  const url = await startTestServer(t, async (request, response) => {
    const operation = requestTarget(request).split('.').pop() ?? '';
    const input = z.record(z.string(), z.unknown()).parse(await json(request));
    calls.push({ operation, input });
    const answer = operations[operation];
    if (!answer) throw new AwsError('UnknownOperationException', `The test does not answer ${operation}.`);
    sendJson(response, answer(input) ?? {});
  });
  const reports: string[] = [];
  return {
    client: clientSettings(url),
    called: () => calls.map(({ operation }) => operation),
    inputs: (operation: string) =>
      calls.filter((call) => call.operation === operation).map(({ input }) => input),
    reports,
    waiting: quickly((log) => reports.push(log)),
  };
};
