/** Whether an address or a network is in a list of networks, in whatever form of IPv4 or IPv6 they are written. */
import { expect, test } from 'vitest'
import { contains, isWithin } from '../../../relay/rules/networks.ts'

test.each([
  ['198.51.100.7', ['198.51.100.0/24'], true],
  ['198.51.101.7', ['198.51.100.0/24'], false],
  ['198.51.100.7', ['198.51.100.7/32'], true],
  ['198.51.100.7', ['198.51.100.7'], true],
  ['198.51.100.8', ['198.51.100.7'], false],
  ['198.51.100.7', ['192.0.2.0/24', '198.51.100.0/25'], true],
  ['198.51.100.7', ['198.51.100.200/24'], true],
  ['::ffff:198.51.100.7', ['198.51.100.0/24'], true],
  ['::ffff:c633:6407', ['198.51.100.0/24'], true],
  ['0:0:0:0:0:FFFF:198.51.100.7', ['198.51.100.0/24'], true],
  ['198.51.100.7', ['::ffff:198.51.100.0/120'], true],
  ['198.51.101.7', ['::ffff:198.51.100.0/120'], false],
  ['198.51.100.7', ['::ffff:198.51.100.7'], true],
  ['198.51.100.8', ['::ffff:198.51.100.7'], false],
  ['::198.51.100.7', ['198.51.100.0/24'], false],
  ['::ffff:c633:6407:1', ['198.51.100.7'], false],
  ['198.51.100.7', ['0.0.0.0/0'], true],
  ['2001:db8::7', ['::/0'], true],
  ['2001:db8::7', ['2001:DB8::/32'], true],
  ['2001:DB8:0:0:0:0:0:7', ['2001:db8::/32'], true],
  ['2001:db8::7', ['2001:db8::7/128'], true],
  ['2001:db8::8', ['2001:db8::7'], false],
  ['2001:db8::ffff:c633:6407', ['198.51.100.7'], false],
  ['2001:db9::7', ['2001:db8::/32'], false],
  ['2001:db8::7', ['198.51.100.0/24'], false],
  ['fe80::1%eth0', ['fe80::/64'], true],
  ['198.51.100.7', ['::/0'], false],
  ['198.51.100.7', ['::/1'], false],
  ['198.51.100.7', ['::/80'], false],
  ['::ffff:198.51.100.7', ['::fffe:0:0/95', '::/1'], false],
  ['198.51.100.7', ['::ffff:0:0/96'], true],
  ['198.51.100.7', ['::/1', '198.51.100.0/24'], true],
  ['::198.51.100.7', ['::/1'], true],
  ['2001:db8::7', ['0.0.0.0/0'], false],
  ['127.0.0.1', [], false],
] as const)('that %s is in %j is %s', (client, networks, found) => {
  expect(contains(networks, client)).toBe(found)
})

test.each([
  ['an address that is none', 'localhost', ['127.0.0.0/8']],
  ['no address', '', ['127.0.0.0/8']],
  ['a network that is none', '127.0.0.1', ['127.0.0.0/8', 'corp.t']],
  ['too long a prefix', '127.0.0.1', ['127.0.0.0/33']],
  ['too short a prefix of IPv4 inside IPv6', '127.0.0.1', ['::ffff:127.0.0.0/95']],
  ['no prefix after the slash', '127.0.0.1', ['127.0.0.0/']],
  ['a mask', '127.0.0.1', ['127.0.0.0/255.0.0.0']],
] as const)('it is not known whether an address is in a list of networks: %s', (_name, client, networks) => {
  expect(contains(networks, client)).toBeUndefined()
})

test.each([
  ['198.51.100.0/24', '198.51.0.0/16', true],
  ['198.51.100.0/24', '198.51.100.0/24', true],
  ['198.51.0.0/16', '198.51.100.0/24', false],
  ['198.51.101.0/24', '198.51.100.0/24', false],
  ['198.51.100.0/24', '::ffff:198.51.0.0/112', true],
  ['198.51.0.0/16', '::ffff:198.51.0.0/112', true],
  ['198.51.0.0/15', '::ffff:198.51.0.0/112', false],
  ['::ffff:198.51.0.0/112', '198.51.100.0/24', false],
  ['::ffff:198.51.100.0/120', '198.51.0.0/16', true],
  ['2001:db8:1::/48', '2001:db8::/32', true],
  ['2001:db8::/32', '2001:db8::/48', false],
  ['198.51.100.0/24', '::/1', false],
  ['::ffff:198.51.100.0/120', '::/0', false],
] as const)('that all of %s is in %s is %s', (inner, outer, all) => {
  expect(isWithin(inner, outer)).toBe(all)
})
