import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type {
  CreateModelInput,
  CreateModelPackageInput,
  CreateProcessingJobRequest,
  CreateTrainingJobRequest,
} from '@aws-sdk/client-sagemaker';
import type { z } from 'zod';
import { DEPLOY_ENVIRONMENT } from '../../model/contract/sagemaker-jobs.ts';
import {
  allSteps,
  type Definition,
  type DefinitionStep,
  definitionSchema,
  pipelineVariable,
  referencesIn,
  resolvedRequests,
} from './pipeline-schema.ts';
import { PIPELINE_SETTINGS } from './pipeline-settings-fixture.ts';
import { type PipelineSettings, pipelineDefinitions } from './pipelines.ts';

/** The three definitions as SageMaker would read them. */
const definitions = (changes: Partial<PipelineSettings> = {}) => {
  const { train, model, deploy } = pipelineDefinitions({ ...PIPELINE_SETTINGS, ...changes });
  const read = (definition: Definition): Definition =>
    definitionSchema.parse(JSON.parse(JSON.stringify(definition)));
  return { train: read(train), model: read(model), deploy: read(deploy) };
};

const { train, model, deploy } = definitions();

const names = (steps: readonly DefinitionStep[]) => steps.map(({ Name }) => Name);

const branches = ({ Steps: [, , check] }: Definition) => {
  assert.ok(check?.Type === 'Condition');
  return check.Arguments;
};

const jobs = (definition: Definition) =>
  allSteps(definition).flatMap((step) =>
    step.Type === 'Training' || step.Type === 'Processing' ? [step] : [],
  );

const trainingArguments = ({ Steps: [step] }: Definition) => {
  assert.ok(step?.Type === 'Training');
  return step.Arguments;
};

test('only an accurate enough model is registered and deployed; any other fails the execution, with its accuracy', () => {
  assert.deepEqual(names(deploy.Steps), ['Train', 'Evaluate', 'CheckAccuracy']);
  const { IfSteps, ElseSteps } = branches(deploy);
  assert.deepEqual(names(IfSteps), ['CreateModel', 'RegisterModel', 'DeployEndpoint']);
  assert.deepEqual(names(ElseSteps), ['RejectModel']);
  assert.match(
    JSON.stringify(ElseSteps),
    /is right on .*"Path":"result".*MinAccuracy is .*Parameters\.MinAccuracy/,
  );
});

test('a model that needs manual approval is registered as pending, and not deployed', () => {
  const { IfSteps } = branches(definitions({ approval: 'manual' }).deploy);
  assert.deepEqual(names(IfSteps), ['CreateModel', 'RegisterModel']);
  assert.match(JSON.stringify(IfSteps), /"ModelApprovalStatus":"PendingManualApproval"/);
});

test('the parameters have the defaults of the description', () => {
  const nothing = 's3://app-ml-dataset-test/none/';
  assert.deepEqual(
    deploy.Parameters.map(({ Name, Type, DefaultValue }) => [Name, Type, DefaultValue]),
    [
      ['TrainData', 'String', 's3://app-ml-dataset-test/flowers/'],
      ['TestData', 'String', nothing],
      ['Epoch', 'Integer', 10],
      ['BatchSize', 'Integer', 16],
      ['LearningRate', 'Float', 0.0001],
      ['TrainingImage', 'String', PIPELINE_SETTINGS.trainingImage],
      ['InitialModel', 'String', nothing],
      ['Pretrained', 'String', 's3://app-ml-dataset-test/pretrained/'],
      ['MinAccuracy', 'Float', 0.9],
    ],
  );
  for (const { Parameters } of [train, model]) assert.deepEqual(Parameters, deploy.Parameters.slice(0, -1));
});

test('the maximum wait is required with spot capacity, and refused without it', () => {
  const stopping = (trainingSpot: boolean) => {
    const spot = trainingArguments(definitions({ trainingSpot, trainingHours: 2 }).train);
    return [spot.EnableManagedSpotTraining, spot.StoppingCondition];
  };
  const MaxRuntimeInSeconds = 2 * 3600;
  assert.deepEqual(stopping(true), [true, { MaxRuntimeInSeconds, MaxWaitTimeInSeconds: 6 * 3600 }]);
  assert.deepEqual(stopping(false), [false, { MaxRuntimeInSeconds }]);
});

test('every job runs the image of its execution; those that see the photos have no network, and cannot deploy', () => {
  const image = { Get: 'Parameters.TrainingImage' };
  const { training, deploy: deploying } = PIPELINE_SETTINGS.roles;
  assert.deepEqual(
    jobs(deploy).map((step) =>
      step.Type === 'Training'
        ? [
            step.Arguments.AlgorithmSpecification.TrainingImage,
            step.Arguments.EnableNetworkIsolation,
            step.Arguments.RoleArn,
          ]
        : [
            step.Arguments.AppSpecification.ImageUri,
            step.Arguments.NetworkConfig?.EnableNetworkIsolation,
            step.Arguments.RoleArn,
          ],
    ),
    [
      [image, true, training],
      [image, true, training],
      [image, undefined, deploying],
    ],
  );
});

test('the deployment gets every variable that it reads, and no other', () => {
  const environment = jobs(deploy).find(({ Name }) => Name === 'DeployEndpoint')?.Arguments.Environment;
  assert.deepEqual(Object.keys(environment ?? {}).sort(), Object.values(DEPLOY_ENVIRONMENT).sort());
});

test('the model that runs and the registered model are the same, and serve the folder that training writes', () => {
  const [running, registered] = allSteps(deploy).flatMap((step) => {
    if (step.Type === 'Model') return [step.Arguments.PrimaryContainer];
    return step.Type === 'RegisterModel' ? step.Arguments.InferenceSpecification.Containers : [];
  });
  assert.deepEqual(running, registered);
  assert.equal(running?.Environment['SAGEMAKER_TFS_DEFAULT_MODEL_NAME'], 'image-classifier');
});

test('S3 inputs are prefixes that end in a slash; SageMaker adds one to outputs', () => {
  const folders = JSON.stringify(deploy)
    .match(/s3:[^"]+/g)
    ?.map((uri) => uri.split('/').slice(3).join('/'));
  const read = ['flowers/', 'none/', 'none/', 'pretrained/'];
  assert.deepEqual(folders, [...read, 'models', 'checkpoints', 'reports']);
});

/** What later steps may read of a step: fields of its Describe answer, and its property files. */
const readableProperties = (step: DefinitionStep): string[] => {
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
const danglingReferences = (steps: readonly DefinitionStep[], readable: readonly string[]): string[] => {
  const known = new Set(readable);
  return steps.flatMap((step) => {
    const { IfSteps, ElseSteps, ...own } =
      step.Type === 'Condition' ? step.Arguments : { ...step.Arguments, IfSteps: [], ElseSteps: [] };
    const dangling = [
      ...referencesIn(own).filter((reference) => !known.has(reference)),
      ...danglingReferences(IfSteps, [...known]),
      ...danglingReferences(ElseSteps, [...known]),
    ];
    for (const path of readableProperties(step)) known.add(`Steps.${step.Name}.${path}`);
    return dangling;
  });
};

const readableAtStart = ({ Parameters }: Definition) => [
  'Execution.PipelineExecutionId',
  'Execution.PipelineExecutionArn',
  ...Parameters.map(({ Name }) => `Parameters.${Name}`),
];

for (const [name, definition] of Object.entries({ train, model, deploy }))
  test(`${name}: every reference leads to a parameter or an earlier step, all parameters are used, and names are unique`, () => {
    assert.deepEqual(danglingReferences(definition.Steps, readableAtStart(definition)), []);
    const used = new Set(referencesIn(definition.Steps));
    const unused = definition.Parameters.filter(({ Name }) => !used.has(`Parameters.${Name}`));
    assert.deepEqual(unused, []);
    for (const named of [allSteps(definition), definition.Parameters])
      assert.equal(new Set(named.map(({ Name }) => Name)).size, named.length);
  });

describe('a definition with unknown fields is refused', () => {
  const [trainStep, ...others] = deploy.Steps;
  const withStep = (changes: object) => ({ ...deploy, Steps: [{ ...trainStep, ...changes }, ...others] });
  const withRequest = (changes: object) =>
    withStep({ Arguments: { ...trainingArguments(deploy), ...changes } });
  const refused: Record<string, object> = {
    'an unknown field': { ...deploy, Description: 'flowers' },
    'an unknown type of step': withStep({ Type: 'Tuning' }),
    'an unknown field of a step': withStep({ CacheConfig: { Enabled: true } }),
    'a misspelt field further down': withRequest({ OutputDataConfig: { S3OutputPath: 's3://a', Kms: '' } }),
    'a variable of no known form': withRequest({ HyperParameters: { epochs: { Get: 'Parameter.Epoch' } } }),
  };
  for (const [what, definition] of Object.entries(refused))
    test(what, () => assert.equal(definitionSchema.safeParse(definition).success, false));
});

/** AWS adds instance types more often than we update its SDK; the configuration checks their names instead. */
type AnyInstanceType<T> = T extends readonly (infer Item)[]
  ? AnyInstanceType<Item>[]
  : T extends object
    ? {
        [Field in keyof T]: Field extends 'InstanceType'
          ? string
          : Field extends 'SupportedRealtimeInferenceInstanceTypes'
            ? string[] | undefined
            : AnyInstanceType<T[Field]>;
      }
    : T;

/** Ours, with `never` for a field that SageMaker does not have. */
type KnownFields<Ours, Theirs> = Ours extends readonly (infer Item)[]
  ? Theirs extends readonly (infer TheirItem)[]
    ? KnownFields<Item, TheirItem>[]
    : never
  : Ours extends object
    ? {
        [Field in keyof Ours]: Field extends keyof Theirs
          ? KnownFields<Ours[Field], NonNullable<Theirs[Field]>>
          : never;
      }
    : Ours;

type Sendable<Request extends keyof typeof resolvedRequests, Theirs> = AnyInstanceType<Theirs> &
  KnownFields<z.infer<(typeof resolvedRequests)[Request]>, Theirs>;

/** A value with a text in place of every variable. */
const resolved = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(resolved);
  if (pipelineVariable.safeParse(value).success) return 'resolved';
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolved(item)]));
};

test('a resolved request is valid for the SDK, by its types and values', () => {
  const found = (name: string) => resolved(allSteps(deploy).find(({ Name }) => Name === name)?.Arguments);
  const training: Sendable<'training', CreateTrainingJobRequest> = resolvedRequests.training.parse(
    found('Train'),
  );
  const processing: Sendable<
    'processing',
    Omit<CreateProcessingJobRequest, 'ProcessingJobName'>
  > = resolvedRequests.processing.parse(found('Evaluate'));
  const created: Sendable<'model', Omit<CreateModelInput, 'ModelName'>> = resolvedRequests.model.parse(
    found('CreateModel'),
  );
  const registered: Sendable<'modelPackage', CreateModelPackageInput> = resolvedRequests.modelPackage.parse(
    found('RegisterModel'),
  );
  for (const request of [training, processing, created, registered])
    assert.deepEqual(referencesIn(request), []);
});
