import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Testing } from 'cdktf';
import { z } from 'zod';
import { BloomstackStack } from './bloomstack-stack.ts';
import { configuration, type PartialConfiguration } from './config/schema.ts';

const properties = z.record(z.string(), z.unknown());
type Properties = z.infer<typeof properties>;

const terraformJson = z.looseObject({
  output: z.record(z.string(), z.object({ value: z.unknown() })),
  terraform: z.looseObject({ backend: z.record(z.string(), properties) }),
  resource: z.record(z.string(), z.record(z.string(), properties)),
  // A data source would need an AWS account at plan.
  data: z.never().optional(),
});

const statement = z.strictObject({
  Sid: z.string(),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: z.unknown().optional(),
  Action: z.union([z.string(), z.array(z.string())]).transform((actions) => [actions].flat()),
  Resource: z
    .union([z.string(), z.array(z.string())])
    .default([])
    .transform((resources) => [resources].flat()),
  Condition: z.unknown().optional(),
});
type AddressedStatement = z.output<typeof statement> & { readonly address: string };

const policyDocument = z.object({ Version: z.literal('2012-10-17'), Statement: z.array(statement) });

const POLICY_ARGUMENTS: Readonly<Record<string, string>> = {
  aws_cloudwatch_log_resource_policy: 'policy_document',
  aws_iam_policy: 'policy',
  aws_iam_role: 'assume_role_policy',
  aws_iam_role_policy: 'policy',
  aws_kms_key: 'policy',
  aws_s3_bucket_policy: 'policy',
  aws_sns_topic_policy: 'policy',
};

/** One folder for the apps of a process, which ends with it; cdktf's own would leave a folder each. */
const outdir = mkdtempSync(path.join(tmpdir(), 'bloomstack-app-'));
process.once('exit', () => rmSync(outdir, { recursive: true, force: true }));

export const CERTIFICATE_ARN = 'arn:aws:acm:ap-northeast-2:123456789012:certificate/0a1b';
export const CONNECTION_ARN = 'arn:aws:codeconnections:ap-northeast-2:123456789012:connection/1';

const CONFIGURATIONS = {
  default: {},
  /** Everything that may be switched on, with other names. */
  full: {
    environment: 'prod',
    namePrefix: 'flower',
    nameSuffix: 'two',
    bucketSuffix: 'garden',
    deletionProtection: true,
    network: { nat: 'per-zone', allowedCidrs: ['192.0.2.0/24', '198.51.100.7/32'] },
    https: { domain: 'flowers.example', hostedZoneId: 'Z1' },
    api: { keys: true, corsOrigins: ['https://shop.example'] },
    observability: {
      alarmEmail: 'on-call@flowers.example',
      firewallLogs: true,
      flowLogs: true,
      bucketLogs: true,
      sharedLogGroups: true,
    },
    state: { bucket: 'states' },
  },
  /** Everything that may be left out, with code from GitHub and a certificate that was there before. */
  minimal: {
    source: { provider: 'github', repository: 'owner/name', connectionArn: CONNECTION_ARN },
    firewall: { enabled: false },
    https: { certificateArn: CERTIFICATE_ARN, domain: 'flowers.example' },
    learning: { studio: false },
    observability: { monthlyBudgetUsd: 0 },
  },
} as const satisfies Record<string, PartialConfiguration>;

const synthesize = (settings: PartialConfiguration) => {
  const stack = new BloomstackStack(
    Testing.app({ outdir }),
    configuration.parse({ account: '123456789012', ...settings }),
  );
  const text = Testing.synth(stack);
  const { terraform, resource, output } = terraformJson.parse(JSON.parse(text));

  const all = Object.entries(resource).flatMap(([type, byName]) =>
    Object.entries(byName).map(([name, value]) => ({ type, address: `${type}.${name}`, value })),
  );
  return {
    text,
    terraform,
    output,
    addresses: all.map(({ address }) => address).sort(),
    ofType: (type: string): readonly Properties[] => Object.values(resource[type] ?? {}),
    get: (address: string): Properties => {
      const found = all.find((each) => each.address === address);
      assert.ok(found, `${address} is not in the stack`);
      return found.value;
    },
    statements: (): readonly AddressedStatement[] =>
      all.flatMap(({ type, address, value }) => {
        const argument = POLICY_ARGUMENTS[type];
        if (argument === undefined) return [];
        const { Statement } = policyDocument.parse(JSON.parse(z.string().parse(value[argument])));
        return Statement.map((each) => ({ ...each, address }));
      }),
  };
};

type SynthesizedStack = ReturnType<typeof synthesize>;

const synthesized = new Map<string, SynthesizedStack>();

/** The stack as Terraform reads it, of one of three configurations; each is synthesized once per process. */
export const synthesizedStack = (name: keyof typeof CONFIGURATIONS = 'default'): SynthesizedStack => {
  const stack = synthesized.get(name) ?? synthesize(CONFIGURATIONS[name]);
  synthesized.set(name, stack);
  return stack;
};

/** Asserts that a resource has these properties, whatever else it has. */
export const assertProperties = (actual: Properties, expected: Properties): void => {
  const compared = Object.fromEntries(Object.keys(expected).map((key) => [key, actual[key]]));
  assert.deepEqual(compared, expected);
};
