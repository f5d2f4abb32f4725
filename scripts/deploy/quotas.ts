import { setTimeout as sleep } from 'node:timers/promises';
import type { STSClient } from '@aws-sdk/client-sts';
import { z } from 'zod';

const page = z.object({
  NextToken: z.string().nullish(),
  Quotas: z.array(z.object({ QuotaName: z.string(), Value: z.number() })),
});
/** Service Quotas throttles reading long lists. */
const THROTTLED = 429;
const ATTEMPTS = 5;

/**
 * A request to Service Quotas. The project has no SDK client for it, so another client signs the request.
 *
 * @throws Error with AWS's message if it is refused
 */
const request = async (client: STSClient, region: string, operation: string, input: object) => {
  const url = new URL(process.env['AWS_ENDPOINT_URL'] || `https://servicequotas.${region}.amazonaws.com`);
  const properties = { signingName: 'servicequotas', signingRegion: region };
  const signer = await client.config.signer({ name: 'sigv4', properties: {}, ...properties });
  const body = JSON.stringify(input);
  const unsigned = {
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    path: '/',
    query: {},
    body,
    headers: {
      host: url.host,
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `ServiceQuotasV20190624.${operation}`,
    },
  };
  for (let attempt = 1; ; attempt++) {
    const { headers } = await signer.sign(unsigned);
    const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(10_000) });
    if (response.ok) return page.parse(await response.json());
    if (response.status !== THROTTLED || attempt === ATTEMPTS)
      throw new Error(`${response.status} ${await response.text()}`);
    await sleep(1000 * attempt);
  }
};

/**
 * The values of quotas in this account and region, by name; AWS's defaults where the account has no own value.
 *
 * @param service the service code, such as `sagemaker`
 * @throws Error with AWS's message if it is refused
 */
export const readQuotas = async (
  client: STSClient,
  region: string,
  service: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, number>> => {
  const found = new Map<string, number>();
  for (const operation of ['ListServiceQuotas', 'ListAWSDefaultServiceQuotas']) {
    let NextToken: string | null | undefined;
    do {
      if (names.every((name) => found.has(name))) return found;
      const input = { ServiceCode: service, MaxResults: 100, ...(NextToken && { NextToken }) };
      const answer = await request(client, region, operation, input);
      for (const { QuotaName, Value } of answer.Quotas)
        if (names.includes(QuotaName) && !found.has(QuotaName)) found.set(QuotaName, Value);
      ({ NextToken } = answer);
    } while (NextToken);
  }
  return found;
};
