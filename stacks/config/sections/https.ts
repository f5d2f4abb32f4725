import { z } from 'zod';
import { conflict } from '../conflict.ts';
import { emptyOr } from '../formats.ts';

const CERTIFICATE_ARN = /^arn:aws[a-z-]*:acm:([a-z0-9-]+):\d{12}:certificate\/\S+$/;

/** The region of an ACM certificate; nothing for any other text. */
export const certificateRegion = (arn: string): string | undefined => CERTIFICATE_ARN.exec(arn)?.[1];

/** How the public load balancer is reached. */
export const https = z
  .strictObject({
    certificateArn: emptyOr(
      CERTIFICATE_ARN,
      'give the ARN of an ACM certificate, arn:aws:acm:<region>:<account>:certificate/<id>',
    )
      .default('')
      .describe(
        'ACM certificate in the same region. With it the public load balancer speaks HTTPS and redirects HTTP; empty: HTTP only.',
      ),
    domain: emptyOr(
      /^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/,
      'give a host name without a protocol, such as flowers.example.com',
    )
      .default('')
      .describe('Name under which people reach the service; needs certificateArn.'),
    hostedZoneId: emptyOr(/^Z[A-Z0-9]+$/, 'give the id of a Route 53 hosted zone, such as Z0123456789ABC')
      .default('')
      .describe('Route 53 zone in which domain is pointed at the load balancer; empty: you do it.'),
  })
  .check(({ value, issues }) => {
    if (value.domain && !value.certificateArn)
      issues.push(
        conflict({
          field: 'certificateArn',
          because: ['domain'],
          message: 'https.domain is set and HTTPS needs a certificate, request one in ACM and give its ARN',
        }),
      );
    if (value.hostedZoneId && !value.domain)
      issues.push(
        conflict({
          field: 'domain',
          because: ['hostedZoneId'],
          message: 'https.hostedZoneId is set, give the name that shall point at the service',
        }),
      );
  })
  .prefault({});
