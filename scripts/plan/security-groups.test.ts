import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPublicCidr } from './security-groups.ts';

test('everything, and every CIDR block of public addresses, is the internet', () => {
  for (const block of ['0.0.0.0/0', '::/0', '0.0.0.0/1', '8.8.8.8/32', '10.0.0.0/7', '2600::/12'])
    assert.equal(isPublicCidr(block), true, block);
});

test('private blocks are not', () => {
  for (const block of [
    '10.0.0.0/16',
    '172.16.0.0/12',
    '192.168.1.0/24',
    '100.64.0.0/10',
    '127.0.0.1/32',
    'fc00::/7',
  ])
    assert.equal(isPublicCidr(block), false, block);
});

test('of what is not a CIDR block nothing is known', () => {
  for (const text of ['${aws_vpc.main.cidr_block}', 'pl-1234', ''])
    assert.equal(isPublicCidr(text), undefined, text);
});
