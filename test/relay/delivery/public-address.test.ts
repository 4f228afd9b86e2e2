/** Which addresses may be connected to where a name in somebody else's DNS leads there (case C10). */
import { expect, test } from 'vitest'
import { isLinkLocal, isPublic } from '../../../relay/delivery/public-address.ts'

test.each([
  ['127.0.0.1', false],
  ['127.255.255.254', false],
  ['0.0.0.0', false],
  ['10.96.0.1', false],
  ['172.16.0.1', false],
  ['172.32.0.1', true],
  ['192.168.1.1', false],
  ['100.64.0.1', false],
  ['169.254.169.254', false],
  ['224.0.0.1', false],
  ['255.255.255.255', false],
  ['192.0.2.1', true],
  ['1.1.1.1', true],
  ['::1', false],
  ['::', false],
  ['::127.0.0.1', false],
  ['::ffff:127.0.0.1', false],
  ['::ffff:7f00:1', false],
  ['::ffff:192.0.2.1', true],
  ['64:ff9b::7f00:1', false],
  ['64:ff9b::127.0.0.1', false],
  ['64:ff9b::a9fe:a9fe', false],
  ['64:ff9b::c000:201', true],
  ['64:ff9b::1', false],
  ['64:ff9b:1::1', false],
  ['::ffff:0:10.0.0.1', false],
  ['::ffff:0:a9fe:a9fe', false],
  ['fe80::1', false],
  ['fe80::1%eth0', false],
  ['fd00::1', false],
  ['2002:7f00:1::', false],
  ['2606:4700::1111', true],
  ['', false],
  ['localhost', false],
  ['0x7f.1', false],
])('case C10: that %s may be connected to is %s', (address, may) => {
  expect(isPublic(address)).toBe(may)
})

test.each([
  ['169.254.169.254', true],
  ['169.254.0.1', true],
  ['169.255.0.1', false],
  ['::ffff:169.254.169.254', true],
  ['::ffff:a9fe:a9fe', true],
  ['64:ff9b::a9fe:a9fe', true],
  ['fe80::1', true],
  ['fe80::1%eth0', true],
  ['febf::1', true],
  ['fec0::1', false],
  ['fd00:ec2::254', true],
  ['fd00:0ec2:0::0254', true],
  ['fd20:ce::254', true],
  ['fd00:ec2::53', false],
  ['127.0.0.1', false],
  ['10.96.0.1', false],
  ['192.0.2.1', false],
])('case C10: that %s is on our link, where no smarthost may be, is %s', (address, is) => {
  expect(isLinkLocal(address)).toBe(is)
})
