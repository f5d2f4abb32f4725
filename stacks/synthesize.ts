import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type App, Testing } from 'cdktf';
import { z } from 'zod';
import { BloomstackStack } from './bloomstack-stack.ts';
import { configuration } from './config/schema.ts';

const properties = z.record(z.string(), z.unknown());
type Properties = z.infer<typeof properties>;

const synthesized = z.looseObject({
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
type PolicyStatement = z.output<typeof statement> & { readonly address: string };

const policyDocument = z.object({ Version: z.literal('2012-10-17'), Statement: z.array(statement) });

/** Arguments of resources that hold a policy document. */
const POLICY_ARGUMENTS: Readonly<Record<string, string>> = {
  aws_iam_policy: 'policy',
  aws_iam_role: 'assume_role_policy',
  aws_iam_role_policy: 'policy',
  aws_kms_key: 'policy',
  aws_s3_bucket_policy: 'policy',
  aws_sns_topic_policy: 'policy',
};

let outdir: string | undefined;

/** One folder for the apps of a process, which ends with it. */
const temporaryOutdir = (): string => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bloomstack-app-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** An app for tests that leaves nothing behind; cdktf's own leaves a folder each. */
export const testingApp = (): App => {
  outdir ??= temporaryOutdir();
  return Testing.app({ outdir });
};

/** The stack as Terraform will read it; with some configuration in place of the defaults. */
export const synthesize = (overrides: z.input<typeof configuration> = {}) => {
  const stack = new BloomstackStack(
    testingApp(),
    configuration.parse({ account: '123456789012', ...overrides }),
  );
  const text = Testing.synth(stack);
  const { terraform, resource } = synthesized.parse(JSON.parse(text));

  const all = Object.entries(resource).flatMap(([type, byName]) =>
    Object.entries(byName).map(([name, value]) => ({ type, address: `${type}.${name}`, value })),
  );
  return {
    text,
    terraform,
    addresses: all.map(({ address }) => address).sort(),
    ofType: (type: string): readonly Properties[] => Object.values(resource[type] ?? {}),
    get: (address: string): Properties => {
      const found = all.find((each) => each.address === address);
      assert.ok(found, `${address} is not in the stack`);
      return found.value;
    },
    statements: (): readonly PolicyStatement[] =>
      all.flatMap(({ type, address, value }) => {
        const argument = POLICY_ARGUMENTS[type];
        if (argument === undefined) return [];
        const { Statement } = policyDocument.parse(JSON.parse(z.string().parse(value[argument])));
        return Statement.map((each) => ({ ...each, address }));
      }),
  };
};

export type Synthesized = ReturnType<typeof synthesize>;

/** Asserts that a resource has these properties, whatever else it has. */
export const assertProperties = (actual: Properties, expected: Properties): void => {
  const compared = Object.fromEntries(Object.keys(expected).map((key) => [key, actual[key]]));
  assert.deepEqual(compared, expected);
};
