/** Unbound, a resolver that verifies the signatures of zones (DNSSEC) before it says anything of them. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { programFile } from './programs.ts'
import { startTold } from './told-server.ts'

/** How long it says so of a record whose signature did not fit, before it looks again; its own default is a minute. */
const bogusSeconds = 2

type UnboundOptions = {
  /** On port 53, where it needs root. */
  readonly address: string
  /** Whom it asks, and for what; it knows nothing else. */
  readonly server: string
  readonly zones: readonly string[]
  /** Files with the key of a zone that has to be signed. */
  readonly anchorFiles: readonly string[]
}

export async function startUnbound(folder: string, options: UnboundOptions) {
  mkdirSync(folder)
  const file = join(folder, 'unbound.conf')
  writeFileSync(file, configuration(folder, options))
  return startTold('Unbound', [programFile('unbound') ?? 'unbound', '-d', '-p', '-c', file], 'start of service')
}

// Nobody resolves test. unless he is told to (RFC 6761 section 6.2), and nobody asks his own machine.
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
