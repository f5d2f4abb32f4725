import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientAddress } from './client-address.ts';

const CASES: [name: string, peer: string | undefined, forwardedFor: string | undefined, address: string][] = [
  ['that calls directly', '203.0.113.9', undefined, '203.0.113.9'],
  ['that calls directly has no say', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
  ['behind one proxy', '10.0.0.3', '203.0.113.9', '203.0.113.9'],
  ['behind several proxies', '10.0.0.3', '203.0.113.9, 10.1.0.1, 172.16.4.4', '203.0.113.9'],
  ['that claims another address', '10.0.0.3', '198.51.100.1, 203.0.113.9, 10.1.0.1', '203.0.113.9'],
  ['with IPv6', '::ffff:10.0.0.3', '2001:db8::1, fd00::2', '2001:db8::1'],
  ['with IPv4 as IPv6', '::ffff:127.0.0.1', '::ffff:203.0.113.9', '203.0.113.9'],
  ['within an office', '127.0.0.1', '192.168.1.20, 10.0.0.1', '192.168.1.20'],
  ['behind a header of nonsense', '127.0.0.1', 'unknown, ,x', '127.0.0.1'],
  ['without a connection', undefined, undefined, ''],
];
for (const [name, peer, forwardedFor, address] of CASES) {
  test(`a client ${name} is ${address || 'nameless'}`, () =>
    assert.equal(clientAddress({ peer, forwardedFor }), address));
}
