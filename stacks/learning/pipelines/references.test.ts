import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import type { Definition, DefinitionStep } from './definition-schema.ts';
import { jobsOf, parsedDefinitions, stepsOf } from './testing.ts';

const definitions = Object.entries(parsedDefinitions());

const getter = z.object({ Get: z.string() });

/** Every `Get` anywhere in a value. */
const referencesIn = (value: unknown): string[] => {
  if (typeof value !== 'object' || value === null) return [];
  const found = getter.safeParse(value);
  return found.success ? [found.data.Get] : Object.values(value).flatMap(referencesIn);
};

/** What later steps may read of a step: fields of its Describe answer, and its property files. */
const propertiesOf = (step: DefinitionStep): string[] => {
  if (step.Type === 'Training') return ['ModelArtifacts.S3ModelArtifacts'];
  if (step.Type === 'Model') return ['ModelName'];
  if (step.Type === 'RegisterModel') return ['ModelPackageArn'];
  if (step.Type !== 'Processing') return [];
  const outputs = step.Arguments.ProcessingOutputConfig?.Outputs ?? [];
  return [
    ...outputs.map(({ OutputName }) => `ProcessingOutputConfig.Outputs['${OutputName}'].S3Output.S3Uri`),
    ...(step.PropertyFiles ?? []).map(({ PropertyFileName }) => `PropertyFiles.${PropertyFileName}`),
  ];
};

/** References of these steps that lead nowhere, given what may be read when the first of them starts. */
const danglingIn = (steps: readonly DefinitionStep[], readable: readonly string[]): string[] => {
  const known = new Set(readable);
  return steps.flatMap((step) => {
    const { IfSteps, ElseSteps, ...own } =
      step.Type === 'Condition' ? step.Arguments : { ...step.Arguments, IfSteps: [], ElseSteps: [] };
    const dangling = [
      ...referencesIn(own).filter((reference) => !known.has(reference)),
      ...danglingIn(IfSteps, [...known]),
      ...danglingIn(ElseSteps, [...known]),
    ];
    for (const path of propertiesOf(step)) known.add(`Steps.${step.Name}.${path}`);
    return dangling;
  });
};

const startOf = ({ Parameters }: Definition) => [
  'Execution.PipelineExecutionId',
  'Execution.PipelineExecutionArn',
  ...Parameters.map(({ Name }) => `Parameters.${Name}`),
];

/** A URI as it is when no parameter is given; undefined when an earlier step gives it. */
const byDefault = ({ Parameters }: Definition, uri: unknown): unknown => {
  const [reference] = referencesIn(uri);
  if (typeof uri === 'string' || reference === undefined) return uri;
  return Parameters.find(({ Name }) => reference === `Parameters.${Name}`)?.DefaultValue;
};

for (const [name, definition] of definitions) {
  test(`${name}: every reference leads to a parameter or to an earlier step`, () => {
    assert.deepEqual(danglingIn(definition.Steps, startOf(definition)), []);
  });

  test(`${name}: every parameter is used`, () => {
    const used = new Set(referencesIn(definition.Steps));
    const unused = definition.Parameters.filter(({ Name }) => !used.has(`Parameters.${Name}`));
    assert.deepEqual(unused, []);
  });

  test(`${name}: names of steps and parameters are used once`, () => {
    for (const named of [stepsOf(definition), definition.Parameters])
      assert.equal(new Set(named.map(({ Name }) => Name)).size, named.length);
  });

  test(`${name}: what is read from S3 is a prefix that ends in a slash`, () => {
    const inputs = jobsOf(definition).flatMap((step) =>
      step.Type === 'Training'
        ? step.Arguments.InputDataConfig.map(({ DataSource }) => DataSource.S3DataSource.S3Uri)
        : (step.Arguments.ProcessingInputs ?? []).map(({ S3Input }) => S3Input.S3Uri),
    );
    const prefixes = inputs.map((uri) => byDefault(definition, uri)).filter((uri) => uri !== undefined);
    assert.ok(prefixes.length >= 4);
    for (const prefix of prefixes) assert.match(String(prefix), /^s3:\/\/[^/]+\/([^/]+\/)+$/);
  });
}

test('a reference to a later step, to another branch or to an unknown parameter would be found', () => {
  const { deploy } = parsedDefinitions();
  const start = startOf(deploy);
  const later = danglingIn(deploy.Steps.toReversed(), start);
  assert.ok(later.includes('Steps.Evaluate.PropertyFiles.Report'));
  assert.ok(later.includes('Steps.Train.ModelArtifacts.S3ModelArtifacts'));

  const apart = deploy.Steps.map((step) => {
    if (step.Type !== 'Condition') return step;
    const { IfSteps, ...rest } = step.Arguments;
    return { ...step, Arguments: { ...rest, IfSteps: IfSteps.slice(0, -1), ElseSteps: IfSteps.slice(-1) } };
  });
  assert.deepEqual(danglingIn(apart, start), [
    'Steps.CreateModel.ModelName',
    'Steps.RegisterModel.ModelPackageArn',
  ]);

  const unknown = start.filter((reference) => reference !== 'Parameters.MinAccuracy');
  assert.deepEqual(new Set(danglingIn(deploy.Steps, unknown)), new Set(['Parameters.MinAccuracy']));
});

test('what is written to S3 ends in no slash: SageMaker adds one', () => {
  const { deploy } = parsedDefinitions();
  const written = JSON.stringify(
    jobsOf(deploy).map((step) =>
      step.Type === 'Training'
        ? [step.Arguments.OutputDataConfig, step.Arguments.CheckpointConfig.S3Uri]
        : step.Arguments.ProcessingOutputConfig,
    ),
  );
  const uris = written.match(/s3:[^"]+/g) ?? [];
  assert.deepEqual(
    uris.map((uri) => uri.split('/').slice(3)),
    [['models'], ['checkpoints'], ['reports']],
  );
});
