import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProcessingInstanceType, TrainingInstanceType } from '@aws-sdk/client-sagemaker';
import { GPU_FAMILIES, gpuInstanceType, instanceType } from './instance-types.ts';
import { parseCidr, planSubnets } from './subnets.ts';

const OLD = /^ml\.p[23](dn)?\./;
const instanceFamily = (type: string): string => type.split('.')[1] ?? '';

test('SageMaker trains on every allowed GPU family, and each size is accepted', () => {
  const trained: readonly string[] = Object.values(TrainingInstanceType);
  for (const family of GPU_FAMILIES) {
    const sizes = trained.filter((type) => instanceFamily(type) === family);
    assert.ok(sizes.length > 0, `SageMaker has no ml.${family}`);
    for (const type of sizes) assert.ok(gpuInstanceType.safeParse(type).success, type);
  }
});

test('every instance type for processing jobs is accepted, except retired ones', () => {
  for (const type of Object.values(ProcessingInstanceType))
    assert.equal(instanceType.safeParse(type).success, !OLD.test(type), type);
});

const NONE_CHOSEN = { publicSubnets: [], privateSubnets: [] };

const parsedBlock = (text: string) => {
  const block = parseCidr(text);
  assert.ok(block, `${text} is not a block`);
  return block;
};

const VPCS = '10.0.0.0/16 10.255.0.0/16 172.16.128.0/17 10.0.64.0/18 10.0.224.0/19 192.168.240.0/20';

for (const cidr of VPCS.split(' '))
  test(`the subnets taken in ${cidr} are inside and never overlap, with two to four Availability Zones`, () => {
    const vpc = parsedBlock(cidr);
    for (const letters of ['ac', 'abc', 'abcd']) {
      const zones = letters.split('');
      const subnets = planSubnets({ cidr, zones, ...NONE_CHOSEN });
      assert.deepEqual(subnets.problems, []);
      const blocks = [...subnets.public, ...subnets.private].map(parsedBlock);
      assert.equal(blocks.length, 2 * zones.length);
      blocks.sort((a, b) => a.first - b.first);
      for (const [index, block] of blocks.entries()) {
        assert.ok(block.prefix <= 28, `AWS has no subnet as small as ${block.text}`);
        assert.ok(block.first >= vpc.first && block.last <= vpc.last, `${block.text} is outside`);
        const before = blocks[index - 1];
        if (before) assert.ok(before.last < block.first, `${before.text} and ${block.text} overlap`);
      }
    }
  });

test('the default VPC is divided as in the AWS console; given subnets are used unchanged', () => {
  const privateSubnets = ['10.0.64.0/18', '10.0.128.0/18'];
  assert.deepEqual(
    planSubnets({ cidr: '10.0.0.0/16', zones: ['a', 'c'], publicSubnets: [], privateSubnets }),
    { public: ['10.0.0.0/20', '10.0.16.0/20'], private: privateSubnets, problems: [] },
  );
});

test('a CIDR block is its first address and its prefix length', () => {
  const block = { text: '10.0.16.0/20', prefix: 20, first: 167776256, last: 167780351 };
  assert.deepEqual(parseCidr('10.0.16.0/20'), block);
  const wrong = '10.0.0.1/16 10.0/16 10.0.0.0 10.0.0.0/33 010.0.0.0/16 10.0.0.0/016 fd00::/8';
  for (const text of ['', ...wrong.split(' ')]) assert.equal(parseCidr(text), undefined, text);
});
