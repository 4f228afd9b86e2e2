/** Runs Unbound, a resolver that verifies the signatures of zones (DNSSEC) before it answers. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { programFile } from './programs.ts'
import { startTold } from './told-server.ts'

/** How long Unbound remembers that a record's signature was wrong before it asks again; its default is a minute. */
const bogusSeconds = 2

type UnboundOptions = {
  /** Where it listens, on port 53, which needs root. */
  readonly address: string
  /** The server that it asks, and for which zones; it asks for nothing else. */
  readonly server: string
  readonly zones: readonly string[]
  /** Files with the keys of zones that have to be signed. */
  readonly anchorFiles: readonly string[]
}

export async function startUnbound(folder: string, options: UnboundOptions) {
  mkdirSync(folder)
  const file = join(folder, 'unbound.conf')
  writeFileSync(file, configuration(folder, options))
  return startTold('Unbound', [programFile('unbound') ?? 'unbound', '-d', '-p', '-c', file], 'start of service')
}

// By default, Unbound neither resolves names in test. (RFC 6761 section 6.2) nor asks servers on its own machine.
const configuration = (folder: string, { address, server, zones, anchorFiles }: UnboundOptions): string => `
server:
  directory: "${folder}"
  chroot: ""
  username: ""
  use-syslog: no
  logfile: ""
  verbosity: 1
  num-threads: 1
  interface: ${address}
  access-control: 127.0.0.0/8 allow
  do-ip6: no
  do-not-query-localhost: no
  module-config: "validator iterator"
  val-bogus-ttl: ${bogusSeconds}
  val-log-level: 2
  local-zone: "test." nodefault
${anchorFiles.map((anchor) => `  trust-anchor-file: "${anchor}"`).join('\n')}
remote-control:
  control-enable: no
${zones.map((zone) => `stub-zone:\n  name: "${zone}"\n  stub-addr: ${server}`).join('\n')}
`
