/** A request as far as its line tells. */
export interface RequestLine {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
}

export interface PlainAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const POLICY_REQUEST = /^\/([^/?]+)\/?\?policy(?:=|$)/;

const NO_POLICY = `<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>NoSuchBucketPolicy</Code><Message>The bucket policy does not exist</Message></Error>`;

/**
 * Bucket policies, kept away from moto: it applies them to every request, but takes no notice of their conditions, so
 * "deny what does not come over TLS" locks everybody out.
 */
export const bucketPolicies = () => {
  const policies = new Map<string, string>();
  return {
    /** @returns whether a request is about the policy of a bucket */
    concerns: ({ path }: RequestLine): boolean => POLICY_REQUEST.test(path),
    answer: ({ method, path }: RequestLine, body: string): PlainAnswer => {
      const bucket = POLICY_REQUEST.exec(path)?.[1] ?? '';
      if (method === 'PUT') policies.set(bucket, body);
      if (method === 'DELETE') policies.delete(bucket);
      if (method !== 'GET') return { status: 204, contentType: 'application/xml', body: '' };
      const policy = policies.get(bucket);
      return policy === undefined
        ? { status: 404, contentType: 'application/xml', body: NO_POLICY }
        : { status: 200, contentType: 'application/json', body: policy };
    },
  };
};
