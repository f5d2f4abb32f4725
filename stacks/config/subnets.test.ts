import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCidr, planSubnets } from './subnets.ts';

const NONE_CHOSEN = { publicSubnets: [], privateSubnets: [] };

const parsedBlock = (text: string) => {
  const block = parseCidr(text);
  assert.ok(block, `${text} is not a block`);
  return block;
};

test('the default VPC is divided as in the console of AWS', () => {
  const { problems, ...subnets } = planSubnets({ cidr: '10.0.0.0/16', zones: ['a', 'c'], ...NONE_CHOSEN });
  assert.deepEqual(subnets, {
    public: ['10.0.0.0/20', '10.0.16.0/20'],
    private: ['10.0.128.0/20', '10.0.144.0/20'],
  });
  assert.deepEqual(problems, []);
});

for (const cidr of [
  '10.0.0.0/16',
  '10.255.0.0/16',
  '172.16.128.0/17',
  '10.0.64.0/18',
  '10.0.224.0/19',
  '192.168.240.0/20',
])
  test(`the subnets taken in ${cidr} are inside and never overlap, with two to four Availability Zones`, () => {
    const vpc = parsedBlock(cidr);
    for (const zones of [
      ['a', 'c'],
      ['a', 'b', 'c'],
      ['a', 'b', 'c', 'd'],
    ]) {
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

test('chosen subnets are taken as they are', () => {
  const chosen = {
    publicSubnets: ['10.0.1.0/24', '10.0.2.0/24'],
    privateSubnets: ['10.0.64.0/18', '10.0.128.0/18'],
  };
  assert.deepEqual(planSubnets({ cidr: '10.0.0.0/16', zones: ['a', 'c'], ...chosen }), {
    public: chosen.publicSubnets,
    private: chosen.privateSubnets,
    problems: [],
  });
});

test('a CIDR block is its first address and its prefix length', () => {
  assert.deepEqual(parseCidr('10.0.16.0/20'), {
    text: '10.0.16.0/20',
    prefix: 20,
    first: 167776256,
    last: 167780351,
  });
  for (const text of [
    '10.0.0.1/16',
    '10.0/16',
    '10.0.0.0',
    '10.0.0.0/33',
    '010.0.0.0/16',
    '10.0.0.0/016',
    'fd00::/8',
    '',
  ])
    assert.equal(parseCidr(text), undefined, text);
});
