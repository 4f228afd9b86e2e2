/** A DNS server to ask: its address and port. */
import { getServers } from 'node:dns'
import { readFileSync } from 'node:fs'
import { isIP, isIPv6, SocketAddress } from 'node:net'

export type Server = { readonly address: string; readonly port: number }

const ordinaryPort = 53

/** `192.0.2.53`, `2001:db8::53`, `192.0.2.53:5353`, `[2001:db8::53]:5353`; undefined for anything else. */
export function serverIn(text: string): Server | undefined {
  if (isIP(text) !== 0) return { address: text, port: ordinaryPort }
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(text) ?? []
  const [address = '', port] = [bracketed ?? plain, Number(digits)]
  return isIP(address) !== 0 && port > 0 && port < 65_536 ? { address, port } : undefined
}

export const serverText = ({ address, port }: Server): string => {
  if (port === ordinaryPort) return address
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`
}

/** The resolvers of this machine or pod, as configured now. */
export const systemServers = (): readonly Server[] => {
  const servers = getServers().flatMap((text) => serverIn(text) ?? [])
  return servers.some(isLinkLocal) ? withZones(servers, resolverConfiguration()) : servers
}

/** The resolvers that are declared (spec.dns.resolvers); without any, those of `otherwise`. */
export function resolversOf(declared: readonly string[], otherwise: () => readonly Server[]): readonly Server[] {
  const own = declared.flatMap((text) => serverIn(text) ?? [])
  return own.length > 0 ? own : otherwise()
}

/** The same servers, with the zones of `configuration` (resolv.conf(5)): Node leaves them out, and a link is reached by nothing else. */
export function withZones(servers: readonly Server[], configuration: string): readonly Server[] {
  const zoned = new Map<string, string>()
  for (const [, address = '', zone = ''] of configuration.matchAll(/^\s*nameserver\s+([0-9a-f:.]+)(%\S+)/gim))
    if (isIPv6(address)) zoned.set(new SocketAddress({ family: 'ipv6', address }).address, `${address}${zone}`)
  return servers.map((server) => ({ ...server, address: zoned.get(server.address) ?? server.address }))
}

/** fe80::/10 (RFC 4291 section 2.5.6). */
const isLinkLocal = ({ address }: Server): boolean => /^fe[89ab]/i.test(address)

function resolverConfiguration(): string {
  try {
    return readFileSync('/etc/resolv.conf', 'utf8')
  } catch {
    return ''
  }
}
