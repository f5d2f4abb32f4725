import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { S3Client } from '@aws-sdk/client-s3';
import { configuration, type PartialConfiguration } from '../../stacks/config/schema.ts';
import { stackName, stateNames } from '../../stacks/names.ts';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { clientSettings, startTestServer } from '../deploy/fake-aws.ts';
import { fakeTerraform } from './fake-terraform.ts';
import { bucketStates, claimState, knownAccount, localStates } from './identity.ts';
import { deployedPlace, protectedResources, readState } from './state.ts';
import { terraformJson } from './synth.ts';
import { initOptions, openTarget } from './target.ts';

const ACCOUNT = '123456789012';
const configure = (choices: PartialConfiguration = {}) =>
  configuration.parse({ account: ACCOUNT, ...choices });

const stateText = (name = 'AppEcsCluster', region = 'ap-northeast-2', account = ACCOUNT) =>
  JSON.stringify({
    resources: [
      {
        mode: 'managed',
        type: 'aws_ecs_cluster',
        name: 'cluster',
        instances: [{ attributes: { name, arn: `arn:aws:ecs:${region}:${account}:cluster/${name}` } }],
      },
    ],
  });

const OLD = 'terraform.bloomstack-dev.tfstate';
const CURRENT = `terraform.bloomstack-dev.${ACCOUNT}.ap-northeast-2.tfstate`;

const folderOf = (t: TestContext, states: Readonly<Record<string, string>>): string => {
  const folder = temporaryFolder(t);
  for (const [name, text] of Object.entries(states)) writeFileSync(path.join(folder, name), text);
  return folder;
};

test('environment, region, account, prefix and suffix each select another state', () => {
  const variations: PartialConfiguration[] = [
    {},
    { environment: 'prod' },
    { region: 'us-east-1' },
    { account: '210987654321' },
    { namePrefix: 'b' },
    { nameSuffix: 'b' },
    { namePrefix: 'b', nameSuffix: 'b' },
  ];
  for (const kind of ['file', 'key'] as const) {
    const names = variations.map((choices) => stateNames(configure(choices))[kind]);
    assert.equal(new Set(names).size, variations.length, names.join('\n'));
  }
  assert.equal(stackName(configure()), 'bloomstack-dev');
});

const OTHER = '210987654321';

for (const [title, states, choices, choseAccount, expected] of [
  ['another region', { [CURRENT]: stateText() }, { region: 'us-east-1' }, false, /_REGION=ap-northeast-2/],
  ['another environment', { [CURRENT]: stateText() }, { environment: 'prod' }, false, /_ENVIRONMENT=dev/],
  ['another account', { [CURRENT]: stateText() }, { account: OTHER }, false, /_ACCOUNT=210987654321/],
  ['another account that was chosen', { [CURRENT]: stateText() }, { account: OTHER }, true, undefined],
  ['another suffix, by the old name', { [OLD]: stateText() }, { nameSuffix: 'b' }, true, undefined],
  ['where nothing is left', { [CURRENT]: '{"resources":[]}' }, { region: 'us-east-1' }, true, undefined],
] satisfies [string, Record<string, string>, PartialConfiguration, boolean, RegExp | undefined][])
  test(`beside a deployment of the same names in ${title}: ${expected ? 'refused' : 'taken'}`, async (t) => {
    const folder = folderOf(t, states);
    const claimed = claimState(localStates(folder), configure(choices), choseAccount);
    await (expected ? assert.rejects(claimed, expected) : claimed);
    assert.deepEqual(readdirSync(folder), Object.keys(states));
  });

test('a state of the old name is renamed, with its backup, and stays the deployment’s', async (t) => {
  const folder = folderOf(t, { [OLD]: stateText(), [`${OLD}.backup`]: '' });
  assert.equal(await knownAccount(localStates(folder), configuration.parse({})), ACCOUNT);
  await claimState(localStates(folder), configure(), false);
  assert.deepEqual(readdirSync(folder), [CURRENT, `${CURRENT}.backup`]);
  assert.equal(await knownAccount(localStates(folder), configuration.parse({})), ACCOUNT);
});

test('in a bucket, too: a state of the old name is moved, and one of another region refused', async (t) => {
  const objects = new Map([['bloomstack-dev/terraform.tfstate', stateText()]]);
  const url = await startTestServer(t, (request, response) => {
    const [place = '', query = ''] = (request.url ?? '').split('?');
    const key = place.replace('/states/', '');
    const from = String(request.headers['x-amz-copy-source'] ?? '').replace('states/', '');
    if (request.method === 'DELETE') objects.delete(key);
    if (request.method === 'PUT') objects.set(key, objects.get(from) ?? '');
    const keys = [...objects.keys()].map((name) => `<Contents><Key>${name}</Key></Contents>`);
    if (query.includes('list-type')) response.end(`<ListBucketResult>${keys.join('')}</ListBucketResult>`);
    else if (request.method === 'PUT') response.end('<CopyObjectResult><ETag>a</ETag></CopyObjectResult>');
    else response.end(request.method === 'GET' ? objects.get(key) : '');
  });
  const store = bucketStates('states', new S3Client({ ...clientSettings(url), forcePathStyle: true }));
  await claimState(store, configure(), false);
  assert.deepEqual([...objects.keys()], [`bloomstack-dev/${ACCOUNT}/ap-northeast-2/terraform.tfstate`]);
  assert.equal(objects.get(stateNames(configure()).key), stateText());
  await assert.rejects(claimState(store, configure({ region: 'us-east-1' }), false), /BLOOMSTACK_REGION/);
});

const local = { local: { path: 'b' } };
const bucketA = { s3: { bucket: 'a' } };

for (const [title, recorded, backend, follows] of [
  ['a state that is renamed is followed', { type: 'local', config: { path: 'a' } }, local, true],
  ['so is one in the same bucket', { type: 's3', config: { bucket: 'a', key: 'x' } }, bucketA, true],
  ['into a bucket it is not', { type: 'local', config: { path: 'a' } }, bucketA, false],
  ['a first time is nothing to follow', undefined, local, false],
] satisfies [string, object | undefined, object, boolean][])
  test(`terraform init: ${title}`, (t) => {
    const directory = temporaryFolder(t);
    mkdirSync(path.join(directory, '.terraform'));
    const record = path.join(directory, '.terraform/terraform.tfstate');
    if (recorded) writeFileSync(record, JSON.stringify({ backend: recorded }));
    const json = terraformJson.parse({ terraform: { backend }, provider: { aws: [] }, resource: {} });
    assert.equal(initOptions({ name: 'flowers', directory, json }).includes('-reconfigure'), follows);
  });

test('a state that could not be listed before is checked when Terraform has it', async (t) => {
  const binary = fakeTerraform(t, `[ "$1" = init ] || echo '${stateText('a', 'us-east-1')}'`);
  const json = terraformJson.parse({ terraform: { backend: local }, provider: { aws: [] }, resource: {} });
  const stack = { name: 'flowers', directory: temporaryFolder(t), json };
  const opened = openTarget({ config: configure(), stack, binary });
  await assert.rejects(opened, /flowers describes account 123456789012, us-east-1, but/);
});

const resource = (type: string, name: string, attributes: object, mode = 'managed') => ({
  mode,
  type,
  name,
  instances: [{ schema_version: 1, attributes }],
});

test('a state says where its resources are, and which are protected from deletion', () => {
  const text = JSON.stringify({
    version: 4,
    resources: [
      resource('aws_caller_identity', 'me', { arn: 'arn:aws:sts:us-east-1:1:x' }, 'data'),
      resource('aws_s3_bucket', 'kept', { arn: 'arn:aws:s3:::flowers', force_destroy: false }),
      resource('aws_iam_role', 'i', { arn: `arn:aws:iam::${ACCOUNT}:role/x` }),
      resource('aws_vpc', 'v', { arn: `arn:aws:ec2:ap-northeast-2:${ACCOUNT}:vpc/vpc-1` }),
      resource('aws_lb', 'web', { enable_deletion_protection: true }),
      resource('aws_ecr_repository', 'web', { force_delete: true }),
    ],
  });
  assert.deepEqual(deployedPlace(readState(text)), { account: ACCOUNT, region: 'ap-northeast-2' });
  assert.deepEqual(protectedResources(readState(text)), ['aws_s3_bucket.kept', 'aws_lb.web']);
  assert.deepEqual(readState(''), []);
});
