import { z } from 'zod';

/** The web application firewall. */
export const firewall = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('A WAF with managed rules in front of the public load balancer.'),
    requestsPerFiveMinutes: z
      .int()
      .min(10)
      .max(2_000_000_000)
      .default(2000)
      .describe('Requests that one address may make in five minutes before it is refused.'),
  })
  .prefault({});
