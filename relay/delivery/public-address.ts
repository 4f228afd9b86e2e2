/** Whether an address that DNS gave us may be connected to: exchangers are on the open Internet, and nobody is on our link (case C10). Pure. */
import { specialNetworks } from '../mail/special-networks.ts'
import { contains, plainAddress } from '../rules/networks.ts'

const special = [...specialNetworks.v4, ...specialNetworks.v6]

/** What is no address is none that may be connected to; IPv4 inside IPv6 is judged as IPv4. */
export const isPublic = (address: string): boolean => contains(special, translated(address)) === false

/** At AWS and Google Cloud the metadata service has an address of IPv6, too. */
const onTheLink = ['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::254/128', 'fd20:ce::254/128']

/** Whether it is on the node's own link, where a cloud's metadata service is: no host is there that takes mail, whatever its name. */
export const isLinkLocal = (address: string): boolean => contains(onTheLink, translated(address)) !== false

/** The IPv4 address that a DNS64 resolver put behind 64:ff9b::/96 (RFC 6052): there every exchanger has one. */
function translated(address: string): string {
  const plain = plainAddress(address)
  const [, high = '0', low = ''] = /^64:ff9b::(?:([0-9a-f]{1,4}):)?([0-9a-f]{0,4})$/.exec(plain) ?? []
  return plain.startsWith('64:ff9b::') ? `::ffff:${high}:${low || '0'}` : plain
}
