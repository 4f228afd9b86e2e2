/** A DNS server to ask: its address and port. */
import { getServers } from 'node:dns'
import { isIP, isIPv6 } from 'node:net'

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
export const systemServers = (): readonly Server[] => getServers().flatMap((text) => serverIn(text) ?? [])
