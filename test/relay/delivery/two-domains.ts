/** A small world of exchangers: two addresses, the records that lead to them, and the recipients of mail that arrived. */
import type { Entry, Table } from './name-server.ts'
import { envelope, hello } from './samples.ts'

export const one = '127.0.7.1'
export const two = '127.0.7.2'
export const mx = (...hosts: readonly (readonly [number, string])[]): readonly Entry[] =>
  hosts.map((host) => ({ mx: host }))
export const at = (address: string): readonly Entry[] => [{ a: address }]
export const to = (...forwardPaths: string[]) => envelope(hello, { forwardPaths })
export const rcptOf = (received: readonly { readonly rcpt: readonly string[] }[]): string[] =>
  received.flatMap((r) => r.rcpt.map((line) => utf8(/<(.*)>/.exec(line)?.[1] ?? ''))).toSorted()
const utf8 = (octets: string): string => Buffer.from(octets, 'latin1').toString()

/** Two domains, each with an exchanger of its own. */
export const twoDomains: Table = {
  'a.test': mx([10, 'mx.a.test']),
  'mx.a.test': at(one),
  'b.test': mx([10, 'mx.b.test']),
  'mx.b.test': at(two),
}
