/** The outside world on this machine: exchangers at addresses of their own, all at one port, and the DNS with their records. */
import { systemDns } from '../../../relay/delivery/dns.ts'
import { freePort } from '../../local/free-port.ts'
import { startNameServer, type Table } from './name-server.ts'
import { rig } from './rig.ts'
import { route } from './samples.ts'
import { type Options, startSmarthost } from './smarthost.ts'

/** `hosts` has the options of each exchanger by its address. The rig has one route, to exchangers. */
export async function startWorld<A extends string>(
  table: Table,
  hosts: Readonly<Record<A, Options>>,
  { bounds = {}, ...options }: Parameters<typeof rig>[1] & { readonly bounds?: object } = {},
) {
  const port = await freePort()
  // DSNs are not the subject of these tests: they have to wait, since the sender's domain can not be looked up.
  const dns = await startNameServer({ 'corp.test': 'SERVFAIL', ...table })
  const started = await Promise.all(
    Object.entries<Options>(hosts).map(async ([address, rest]) => [
      address,
      await startSmarthost({ ...rest, address, port }),
    ]),
  )
  const routes = [route('out', [], { exchangers: { maxConnections: 50, maxConnectionsPerDomain: 5, ...bounds } })]
  const mayReach = (address: string): boolean => address in hosts || closed.has(address)
  return {
    dns,
    hosts: Object.fromEntries(started) as { readonly [address in A]: Awaited<ReturnType<typeof startSmarthost>> },
    routes,
    ...rig(routes, { exchangers: { dns: systemDns([dns.server], 2000), port, mayReach }, ...options }),
  }
}

/** Addresses that nobody listens at. */
const closed: ReadonlySet<string> = new Set(['127.9.9.9', '127.9.9.8', '100::1'])
