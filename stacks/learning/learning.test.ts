import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { assertProperties, synthesizedStack } from '../synthesized-stack.ts';
import { definitionSchema } from './pipeline-schema.ts';

const stack = synthesizedStack();

const pipelineDefinition = (key: string) => {
  const { pipeline_definition } = stack.get(`aws_sagemaker_pipeline.learning-pipeline-${key}`);
  return definitionSchema.parse(JSON.parse(z.string().parse(pipeline_definition)));
};

test('S3 bucket app-ml-dataset-<suffix>', () => {
  assertProperties(stack.get('aws_s3_bucket.learning-dataset'), { bucket: 'app-ml-dataset-123456789012' });
  assertProperties(synthesizedStack('full').get('aws_s3_bucket.learning-dataset'), {
    bucket: 'flower-ml-dataset-two-garden',
  });
});

test('SageMaker Studio domain app-sagemaker-studio in app-vpc, with an execution role and a user profile', () => {
  const domain = stack.get('aws_sagemaker_domain.learning-studio-domain');
  assertProperties(domain, {
    domain_name: 'app-sagemaker-studio',
    vpc_id: '${aws_vpc.network-vpc.id}',
    subnet_ids: ['a', 'c'].map((zone) => `\${aws_subnet.network-private-${zone}.id}`),
    app_network_access_type: 'VpcOnly',
  });
  assert.match(
    JSON.stringify(domain['default_user_settings']),
    /"execution_role":"\$\{aws_iam_role\.learning-studio-role\.arn\}"/,
  );
  assertProperties(stack.get('aws_sagemaker_user_profile.learning-studio-user-profile'), {
    domain_id: '${aws_sagemaker_domain.learning-studio-domain.id}',
  });
});

test('Studio can be left out', () => {
  assert.ok(!synthesizedStack('minimal').addresses.some((address) => address.includes('studio')));
});

for (const [key, name, what, steps] of [
  ['train', 'AppMlPipeline-Train', 'Train', ['Train']],
  ['model', 'AppMlPipeline-Model', 'Train, CreateModel', ['Train', 'CreateModel']],
  [
    'deploy',
    'AppMlPipeline-Deploy',
    'a model that is good enough is registered and put on the endpoint',
    ['Train', 'Evaluate', 'CheckAccuracy'],
  ],
] as const)
  test(`SageMaker pipeline ${name}: ${what}`, () => {
    assertProperties(stack.get(`aws_sagemaker_pipeline.learning-pipeline-${key}`), { pipeline_name: name });
    assert.deepEqual(
      pipelineDefinition(key).Steps.map((step) => step.Name),
      steps,
    );
  });

test('step Train: a GPU, job names that begin with app-flower-classifier, its channels and four metrics', () => {
  const [train] = pipelineDefinition('train').Steps;
  assert.ok(train?.Type === 'Training');
  const { TrainingJobName, ResourceConfig, InputDataConfig, AlgorithmSpecification } = train.Arguments;
  assert.equal(TrainingJobName, 'app-flower-classifier');
  assert.equal(ResourceConfig.InstanceType, 'ml.g4dn.xlarge');
  assert.deepEqual(
    InputDataConfig.map(({ ChannelName }) => ChannelName),
    ['train', 'test', 'model', 'pretrained'],
  );
  assert.deepEqual(
    AlgorithmSpecification.MetricDefinitions.map(({ Name }) => Name),
    ['training:loss', 'training:accuracy', 'validation:loss', 'validation:accuracy'],
  );
});

test('every optional input has a placeholder as its default, created before the pipeline', () => {
  const dataset = 's3://app-ml-dataset-123456789012/';
  const { depends_on } = stack.get('aws_sagemaker_pipeline.learning-pipeline-train');
  const placeholders = stack.addresses.filter((address) => address.startsWith('aws_s3_object.'));
  assert.deepEqual(
    placeholders.filter((address) => !z.array(z.string()).parse(depends_on).includes(address)),
    [],
  );
  const keys = placeholders.map((address) => `${dataset}${stack.get(address)['key']}`);
  const defaults = pipelineDefinition('train').Parameters.map(({ DefaultValue }) => String(DefaultValue));
  assert.deepEqual(
    defaults.filter((value) => value.startsWith(dataset) && !keys.includes(`${value}README.txt`)),
    [`${dataset}flowers/`],
  );
  assert.match(
    String(stack.get('aws_s3_object.learning-dataset-pretrained')['content']),
    /node --import tsx scripts\/fetch-backbone\.ts && aws s3 cp --recursive build\/mobilenet s3:\/\/app-ml-dataset-123456789012\/pretrained\/$/m,
  );
});

test('CreateModel takes the tensorflow-inference image of AWS; DeployEndpoint names image-classifier', () => {
  const text = JSON.stringify(pipelineDefinition('deploy'));
  assert.ok(text.includes('763104351884.dkr.ecr.ap-northeast-2.amazonaws.com/tensorflow-inference:2.20-cpu'));
  assert.match(text, /"ENDPOINT_NAME":"image-classifier"/);
});

test('the roles of the definitions are the roles of the stack', () => {
  const names = stack.ofType('aws_iam_role').map((role) => role['name']);
  const text = JSON.stringify(pipelineDefinition('deploy'));
  const used = [...text.matchAll(/arn:aws:iam::123456789012:role\/([\w-]+)/g)].map(([, name]) => name);
  assert.ok(new Set(used).size >= 3);
  for (const name of used) assert.ok(names.includes(name), name);
});

test('Studio can open a space and list pipelines and models, and tags what it creates', () => {
  const actions = stack
    .statements()
    .filter(({ address }) => address === 'aws_iam_role_policy.learning-studio-role-permissions')
    .flatMap(({ Action }) => Action);
  const lists = 'Apps Domains ModelPackageGroups ModelPackages Pipelines Spaces UserProfiles'.split(' ');
  for (const action of ['AddTags', ...lists.map((what) => `List${what}`)])
    assert.ok(actions.includes(`sagemaker:${action}`), action);
});

test('the serving role cannot read photos, and the training role cannot deploy', () => {
  const roleStatements = (role: string) =>
    stack
      .statements()
      .filter(({ address }) => address === `aws_iam_role_policy.learning-roles-${role}-permissions`);
  const read = roleStatements('serving').filter(({ Action }) => Action.includes('s3:GetObject'));
  assert.deepEqual(
    read.flatMap(({ Resource }) => Resource),
    ['arn:aws:s3:::app-ml-dataset-123456789012/models/*'],
  );
  for (const { Action } of roleStatements('training'))
    for (const action of Action) assert.doesNotMatch(action, /^(sagemaker|iam|application-autoscaling):/);
});
