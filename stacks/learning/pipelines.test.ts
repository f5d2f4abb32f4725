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
  EXECUTION,
  joined,
  pipelineVariable,
  referencesIn,
  resolvedRequests,
} from './pipeline-schema.ts';
import { PIPELINE_SETTINGS } from './pipeline-settings-fixture.ts';
import { type PipelineSettings, parameter, pipelineDefinitions } from './pipelines.ts';

/** The three definitions as SageMaker would read them. */
const definitions = (changes: Partial<PipelineSettings> = {}) => {
  const { train, model, deploy } = pipelineDefinitions({ ...PIPELINE_SETTINGS, ...changes });
  const read = (definition: Definition): Definition =>
    definitionSchema.parse(JSON.parse(JSON.stringify(definition)));
  return { train: read(train), model: read(model), deploy: read(deploy) };
};

const { train, model, deploy } = definitions();

const names = (steps: readonly DefinitionStep[]) => steps.map(({ Name }) => Name);

const jobs = (definition: Definition) =>
  allSteps(definition).flatMap((step) =>
    step.Type === 'Training' || step.Type === 'Processing' ? [step] : [],
  );

const trainingArguments = ({ Steps: [step] }: Definition) => {
  assert.ok(step?.Type === 'Training');
  return step.Arguments;
};

describe('what the pipelines do', () => {
  test('only a model that is accurate enough is registered and deployed; any other fails the execution', () => {
    assert.deepEqual(names(deploy.Steps), ['Train', 'Evaluate', 'CheckAccuracy']);
    const check = deploy.Steps[2];
    assert.ok(check?.Type === 'Condition');
    assert.deepEqual(names(check.Arguments.IfSteps), ['CreateModel', 'RegisterModel', 'DeployEndpoint']);
    assert.deepEqual(names(check.Arguments.ElseSteps), ['RejectModel']);
  });

  test('a model that a person is to approve is registered as pending, and not deployed', () => {
    const [, , check] = pipelineDefinitions({ ...PIPELINE_SETTINGS, approval: 'manual' }).deploy.Steps;
    assert.ok(check?.Type === 'Condition');
    assert.deepEqual(names(check.Arguments.IfSteps), ['CreateModel', 'RegisterModel']);
    assert.match(JSON.stringify(check), /"ModelApprovalStatus":"PendingManualApproval"/);
  });

  test('a rejected model is reported with its result, the accuracy required, and what is served instead', () => {
    const reject = allSteps(deploy).find(({ Name }) => Name === 'RejectModel');
    assert.ok(reject?.Type === 'Fail' && typeof reject.Arguments.ErrorMessage === 'object');
    assert.ok('Std:Join' in reject.Arguments.ErrorMessage);
    const { Values } = reject.Arguments.ErrorMessage['Std:Join'];
    const message = Values.map((value) => {
      if (typeof value !== 'object') return value;
      return 'Std:JsonGet' in value ? `<${value['Std:JsonGet'].Path}>` : 0.9;
    }).join('');
    assert.match(message, /is right on <result>, and MinAccuracy is 0\.9\. The model served so far stays/);
  });

  test('the parameters have the defaults of the description', () => {
    const defaults = deploy.Parameters.map(({ Name, Type, DefaultValue }) => [Name, Type, DefaultValue]);
    const nothing = 's3://app-ml-dataset-test/none/';
    assert.deepEqual(defaults, [
      ['TrainData', 'String', 's3://app-ml-dataset-test/flowers/'],
      ['TestData', 'String', nothing],
      ['Epoch', 'Integer', 10],
      ['BatchSize', 'Integer', 16],
      ['LearningRate', 'Float', 0.0001],
      ['TrainingImage', 'String', PIPELINE_SETTINGS.trainingImage],
      ['InitialModel', 'String', nothing],
      ['Pretrained', 'String', 's3://app-ml-dataset-test/pretrained/'],
      ['MinAccuracy', 'Float', 0.9],
    ]);
    assert.deepEqual(train.Parameters, deploy.Parameters.slice(0, -1));
    assert.deepEqual(model.Parameters, train.Parameters);
  });

  test('hyperparameters are strings, whatever the parameters are', () => {
    const { HyperParameters } = trainingArguments(train);
    assert.deepEqual(Object.keys(HyperParameters), ['epochs', 'batch-size', 'learning-rate']);
    for (const [key, value] of Object.entries(HyperParameters))
      assert.ok(typeof value === 'string' || 'Std:Join' in value, key);
  });

  test('the time to wait for spot capacity is given on spot capacity, and refused without', () => {
    const hour = 3600;
    const spot = trainingArguments(definitions({ trainingSpot: true, trainingHours: 2 }).train);
    assert.equal(spot.EnableManagedSpotTraining, true);
    assert.deepEqual(spot.StoppingCondition, {
      MaxRuntimeInSeconds: 2 * hour,
      MaxWaitTimeInSeconds: 6 * hour,
    });
    const onDemand = trainingArguments(definitions({ trainingSpot: false, trainingHours: 2 }).train);
    assert.equal(onDemand.EnableManagedSpotTraining, false);
    assert.deepEqual(onDemand.StoppingCondition, { MaxRuntimeInSeconds: 2 * hour });
  });

  test('jobs that see the photos have no network, and cannot deploy', () => {
    const permissions = jobs(deploy).map((step) => [
      step.Name,
      step.Type === 'Training'
        ? step.Arguments.EnableNetworkIsolation
        : (step.Arguments.NetworkConfig?.EnableNetworkIsolation ?? false),
      step.Arguments.RoleArn,
    ]);
    assert.deepEqual(permissions, [
      ['Train', true, PIPELINE_SETTINGS.roles.training],
      ['Evaluate', true, PIPELINE_SETTINGS.roles.training],
      ['DeployEndpoint', false, PIPELINE_SETTINGS.roles.deploy],
    ]);
  });

  test('every job of an execution runs the image that the execution names', () => {
    const images = jobs(deploy).map((step) =>
      step.Type === 'Training'
        ? step.Arguments.AlgorithmSpecification.TrainingImage
        : step.Arguments.AppSpecification.ImageUri,
    );
    assert.deepEqual(images, Array(3).fill({ Get: 'Parameters.TrainingImage' }));
  });

  test('the deployment gets every variable that it reads, and no other', () => {
    const environment = jobs(deploy).find(({ Name }) => Name === 'DeployEndpoint')?.Arguments.Environment;
    assert.deepEqual(Object.keys(environment ?? {}).sort(), Object.values(DEPLOY_ENVIRONMENT).sort());
    assert.equal(
      environment?.[DEPLOY_ENVIRONMENT.rollbackAlarms],
      'app-endpoint-errors,app-endpoint-latency',
    );
  });

  test('the model that runs and the registered model are the same, and serve the folder that training writes', () => {
    const containers = allSteps(deploy).flatMap((step) => {
      if (step.Type === 'Model') return [step.Arguments.PrimaryContainer];
      return step.Type === 'RegisterModel' ? step.Arguments.InferenceSpecification.Containers : [];
    });
    assert.equal(containers.length, 2);
    assert.deepEqual(containers[0], containers[1]);
    assert.deepEqual(containers[0]?.Environment, {
      SAGEMAKER_TFS_DEFAULT_MODEL_NAME: 'image-classifier',
      SAGEMAKER_TFS_ENABLE_BATCHING: 'true',
    });
  });

  test('what is written to S3 ends without a slash: SageMaker adds one', () => {
    const written = JSON.stringify(
      jobs(deploy).map((step) =>
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

/** A URI when no parameter is given; undefined when an earlier step gives it. */
const defaultUri = ({ Parameters }: Definition, uri: unknown): unknown => {
  const [reference] = referencesIn(uri);
  if (typeof uri === 'string' || reference === undefined) return uri;
  return Parameters.find(({ Name }) => reference === `Parameters.${Name}`)?.DefaultValue;
};

for (const [name, definition] of Object.entries({ train, model, deploy }))
  describe(`${name}, as SageMaker checks it`, () => {
    test('every reference leads to a parameter or to an earlier step, every parameter is used, names once', () => {
      assert.deepEqual(danglingReferences(definition.Steps, readableAtStart(definition)), []);
      const used = new Set(referencesIn(definition.Steps));
      const unused = definition.Parameters.filter(({ Name }) => !used.has(`Parameters.${Name}`));
      assert.deepEqual(unused, []);
      for (const named of [allSteps(definition), definition.Parameters])
        assert.equal(new Set(named.map(({ Name }) => Name)).size, named.length);
    });

    test('what is read from S3 is a prefix that ends in a slash', () => {
      const inputs = jobs(definition).flatMap((step) =>
        step.Type === 'Training'
          ? step.Arguments.InputDataConfig.map(({ DataSource }) => DataSource.S3DataSource.S3Uri)
          : (step.Arguments.ProcessingInputs ?? []).map(({ S3Input }) => S3Input.S3Uri),
      );
      const prefixes = inputs.map((uri) => defaultUri(definition, uri)).filter((uri) => uri !== undefined);
      assert.ok(prefixes.length >= 4);
      for (const prefix of prefixes) assert.match(String(prefix), /^s3:\/\/[^/]+\/([^/]+\/)+$/);
    });
  });

test('a reference to a later step or to an unknown parameter would be found', () => {
  const start = readableAtStart(deploy);
  const later = danglingReferences(deploy.Steps.toReversed(), start);
  assert.ok(later.includes('Steps.Train.ModelArtifacts.S3ModelArtifacts'));
  const unknown = start.filter((reference) => reference !== 'Parameters.MinAccuracy');
  assert.deepEqual(new Set(danglingReferences(deploy.Steps, unknown)), new Set(['Parameters.MinAccuracy']));
});

describe('a definition with anything that we do not know is refused', () => {
  const [trainStep, ...others] = deploy.Steps;
  const request = trainingArguments(deploy);
  const withStep = (changes: object) => ({ ...deploy, Steps: [{ ...trainStep, ...changes }, ...others] });
  const withRequest = (changes: object) => withStep({ Arguments: { ...request, ...changes } });
  const nested = deploy.Steps.map((step) =>
    step.Type === 'Condition' ? { ...step, Arguments: { ...step.Arguments, IfSteps: [step] } } : step,
  );
  const refused: Record<string, object> = {
    'an unknown field': { ...deploy, Description: 'flowers' },
    'a condition on a branch': { ...deploy, Steps: nested },
    'an unknown type of step': withStep({ Type: 'Tuning' }),
    'an unknown field of a step': withStep({ CacheConfig: { Enabled: true } }),
    'a default of another type': {
      ...deploy,
      Parameters: [{ Name: 'Epoch', Type: 'Integer', DefaultValue: 1.5 }],
    },
    'a request without a required field': withRequest({ RoleArn: undefined }),
    'a misspelt field further down': withRequest({ OutputDataConfig: { S3OutputPath: 's3://a', Kms: '' } }),
    'a number in place of a string': withRequest({ HyperParameters: { epochs: 10 } }),
    'a variable of no known form': withRequest({ HyperParameters: { epochs: { Get: 'Parameter.Epoch' } } }),
  };
  for (const [what, definition] of Object.entries(refused))
    test(what, () => assert.equal(definitionSchema.safeParse(definition).success, false));

  test('but not a variable in place of a string', () => {
    const S3OutputPath = joined('/', 's3://bucket', parameter('Epoch'), EXECUTION.id);
    assert.ok(definitionSchema.safeParse(withRequest({ OutputDataConfig: { S3OutputPath } })).success);
  });
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

test('a resolved request is one that the SDK sends, by its types and by its values', () => {
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
