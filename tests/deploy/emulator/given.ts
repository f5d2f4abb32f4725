import { z } from 'zod';

/** Moto takes the service and the region from a request's signature, and does not check the signature. */
const signedFor = (service: string, region: string) => ({
  authorization: `AWS4-HMAC-SHA256 Credential=emulator/20000101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`,
});

const read = async (response: Response): Promise<string> => {
  const body = await response.text();
  if (response.ok) return body;
  throw new Error(`The emulator answered ${response.status} to ${response.url}: ${body}`);
};

/**
 * A certificate as a person would have requested it before deploying with HTTPS.
 *
 * @param url where the emulator is
 * @returns its ARN
 */
export const giveCertificate = async (url: string, region: string, domain: string): Promise<string> => {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      ...signedFor('acm', region),
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'CertificateManager.RequestCertificate',
    },
    body: JSON.stringify({ DomainName: domain, ValidationMethod: 'DNS' }),
  });
  return z.object({ CertificateArn: z.string() }).parse(JSON.parse(await read(response))).CertificateArn;
};

/**
 * A Route 53 zone as a person would have it before deploying under a name of theirs.
 *
 * @param url where the emulator is
 * @returns its id
 */
export const giveHostedZone = async (url: string, name: string): Promise<string> => {
  const response = await fetch(`${url}/2013-04-01/hostedzone`, {
    method: 'POST',
    headers: { ...signedFor('route53', 'us-east-1'), 'content-type': 'application/xml' },
    body: `<CreateHostedZoneRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Name>${name}</Name><CallerReference>${name}</CallerReference></CreateHostedZoneRequest>`,
  });
  const body = await read(response);
  const id = /<Id>\/hostedzone\/(\w+)<\/Id>/.exec(body)?.[1];
  if (id === undefined) throw new Error(`The emulator made no hosted zone ${name}: ${body}`);
  return id;
};
