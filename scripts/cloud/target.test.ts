import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { Testing } from 'cdktf';
import { BloomstackStack } from '../../stacks/bloomstack-stack.ts';
import { configuration } from '../../stacks/config/schema.ts';
import { testingApp } from '../../stacks/synthesized-stack.ts';
import { ROOT } from '../root.ts';
import { seedTargets } from './seed-targets.ts';
import { localStateFile, type SynthesizedStack, stateFile, terraformJson } from './synth.ts';

const synthesized = (t: TestContext, settings: object = {}): SynthesizedStack => {
  const stack = new BloomstackStack(testingApp(), configuration.parse(settings));
  const name = stack.node.id;
  // Other than synth, it keeps the paths of constructs.
  const output = Testing.fullSynth(stack);
  t.after(() => rmSync(output, { recursive: true }));
  const text = readFileSync(path.join(output, 'stacks', name, 'cdk.tf.json'), 'utf8');
  const directory = path.join(ROOT, 'cdktf.out/stacks', name);
  return { name, directory, json: terraformJson.parse(JSON.parse(text)) };
};

test('the state in a file is where a forgotten one is looked for', (t) => {
  const stack = synthesized(t);
  assert.equal(stateFile(stack), localStateFile(stack.name));
});

test('a state in S3 is in no file', (t) => {
  assert.equal(stateFile(synthesized(t, { state: { bucket: 'flowers-state' } })), undefined);
});

test('images are built with registries, the artifact store and build projects, and nothing that runs them', (t) => {
  const targets = seedTargets(synthesized(t)).map((option) => option.replace('-target=', ''));
  for (const address of [
    'aws_ecr_repository.images-web-repository',
    'aws_ecr_repository.images-was-repository',
    'aws_ecr_repository.images-ml-repository',
    'aws_codebuild_project.delivery-web-build',
    'aws_codebuild_project.delivery-was-build',
    'aws_codebuild_project.delivery-ml-build',
    'aws_s3_bucket.delivery-artifacts-bucket',
  ])
    assert.ok(targets.includes(address), `${address} is missing`);
  const others = /^aws_(ecs|lb|codepipeline|vpc|sagemaker)/;
  assert.deepEqual(
    targets.filter((target) => others.test(target)),
    [],
  );
});
