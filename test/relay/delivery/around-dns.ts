/** What the search for exchangers needs, with one name server, for whose answers it waits only as long as a test can. */
import { systemDns } from '../../../relay/delivery/dns.ts'
import { isPublic } from '../../../relay/delivery/public-address.ts'
import type { Entry } from './name-server.ts'

export const limitMs = 600

export const around = (server: string, random = () => 0) => ({
  dns: systemDns([server], limitMs),
  mayReach: isPublic,
  random,
  ownName: () => 'Relay.Example.org',
})

export const a: readonly Entry[] = [{ a: '192.0.2.1' }]
