import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { S3Client } from '@aws-sdk/client-s3';
import { configuration, type PartialConfiguration } from '../../stacks/config/schema.ts';
import { stackName, stateNames } from '../../stacks/names.ts';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { clientSettings, listen } from '../deploy/fake-aws.ts';
import { bucketStates, claimState, knownAccount, localStates } from './identity.ts';
import { type StackFiles, terraformJson } from './synth.ts';
import { initOptions } from './target.ts';

const ACCOUNT = '123456789012';
const configure = (choices: PartialConfiguration = {}) =>
  configuration.parse({ account: ACCOUNT, ...choices });

/** A state with a cluster of this name in that place. */
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

const claim = (folder: string, choices: PartialConfiguration = {}, choseAccount = false) =>
  claimState(localStates(folder), configure(choices), choseAccount);

test('environment, region, account, prefix and suffix each make another state', () => {
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

for (const [title, states, choices, expected] of [
  [
    'in another region',
    { [CURRENT]: stateText() },
    { region: 'us-east-1' },
    /BLOOMSTACK_REGION=ap-northeast-2/,
  ],
  ['of the old name in another region', { [OLD]: stateText() }, { region: 'us-east-1' }, /NAME_SUFFIX/],
  [
    'of another environment',
    { [CURRENT]: stateText() },
    { environment: 'prod' },
    /BLOOMSTACK_ENVIRONMENT=dev/,
  ],
  [
    'in another account that the configuration does not name',
    { [CURRENT]: stateText() },
    { account: '210987654321' },
    /Use credentials of account 123456789012;.*BLOOMSTACK_ACCOUNT=210987654321/,
  ],
] satisfies [string, Record<string, string>, PartialConfiguration, RegExp][])
  test(`a deployment of the same names ${title} is refused, with what to do`, async (t) => {
    const folder = folderOf(t, states);
    await assert.rejects(claim(folder, choices), expected);
    assert.deepEqual(readdirSync(folder), Object.keys(states));
  });

for (const [title, states, choices] of [
  ['another suffix', { [CURRENT]: stateText() }, { nameSuffix: 'b' }],
  ['another suffix, beside a state of the old name', { [OLD]: stateText() }, { nameSuffix: 'b' }],
  ['a region that nothing is left in', { [CURRENT]: '{"resources":[]}' }, { region: 'us-east-1' }],
  ['an account that is chosen', { [CURRENT]: stateText() }, { account: '210987654321' }],
] satisfies [string, Record<string, string>, PartialConfiguration][])
  test(`a deployment beside others: ${title}`, async (t) => {
    const folder = folderOf(t, states);
    await claim(folder, choices, true);
    assert.deepEqual(readdirSync(folder), Object.keys(states));
  });

test('a state of the old name is renamed, with its backup, and stays the deployment’s', async (t) => {
  const folder = folderOf(t, { [OLD]: stateText(), [`${OLD}.backup`]: '' });
  assert.equal(await knownAccount(localStates(folder), configuration.parse({})), ACCOUNT);
  await claim(folder);
  assert.deepEqual(readdirSync(folder), [CURRENT, `${CURRENT}.backup`]);
  await claim(folder);
  assert.equal(await knownAccount(localStates(folder), configuration.parse({})), ACCOUNT);
});

test('in a bucket, too: a state of the old name is moved, and one of another region refused', async (t) => {
  const objects = new Map([['bloomstack-dev/terraform.tfstate', stateText()]]);
  const url = await listen(t, (request, response) => {
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

const stackWith = (directory: string, backend: object): StackFiles => ({
  name: 'flowers',
  directory,
  json: terraformJson.parse({ terraform: { backend }, provider: { aws: [] }, resource: {} }),
});

for (const [title, recorded, backend, follows] of [
  [
    'a state that is renamed is followed',
    { type: 'local', config: { path: 'a' } },
    { local: { path: 'b' } },
    true,
  ],
  [
    'so is one in the same bucket',
    { type: 's3', config: { bucket: 'a', key: 'x' } },
    { s3: { bucket: 'a' } },
    true,
  ],
  ['into a bucket it is not', { type: 'local', config: { path: 'a' } }, { s3: { bucket: 'a' } }, false],
  ['out of a bucket it is not', { type: 's3', config: { bucket: 'a' } }, { local: { path: 'a' } }, false],
  ['into another bucket it is not', { type: 's3', config: { bucket: 'a' } }, { s3: { bucket: 'b' } }, false],
  ['a first time is nothing to follow', undefined, { local: { path: 'a' } }, false],
] satisfies [string, object | undefined, object, boolean][])
  test(`terraform init: ${title}`, (t) => {
    const directory = temporaryFolder(t);
    mkdirSync(path.join(directory, '.terraform'));
    const record = path.join(directory, '.terraform/terraform.tfstate');
    if (recorded) writeFileSync(record, JSON.stringify({ backend: recorded }));
    assert.equal(existsSync(record), recorded !== undefined);
    assert.equal(initOptions(stackWith(directory, backend)).includes('-reconfigure'), follows);
  });
