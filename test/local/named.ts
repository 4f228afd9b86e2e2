/** BIND, authoritative for zones of a test. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Side } from './network.ts'
import { programFile } from './programs.ts'
import { startTold } from './told-server.ts'

/** A key by which somebody signs updates and transfers (RFC 8945), HMAC-SHA-256; `secret` in base64. */
export type UpdateKey = { readonly name: string; readonly secret: string }

/**
 * `zones`: the records of each, or undefined for one whose file is missing, so that every answer is SERVFAIL.
 * `updateKey`: who has it may change and transfer all of them (RFC 2136).
 */
export async function startNamed(
  folder: string,
  { side, address, zones, updateKey }: NamedOptions & { readonly updateKey?: UpdateKey },
) {
  mkdirSync(folder)
  writeFileSync(join(folder, 'named.conf'), configuration(folder, address, Object.keys(zones), updateKey))
  const write = (zone: string, records: readonly string[]): void =>
    writeFileSync(join(folder, zone), [...head(address), ...records, ''].join('\n'))
  for (const [zone, records] of Object.entries(zones)) if (records !== undefined) write(zone, records)
  const command = [...side, programFile('named') ?? 'named', '-g', '-c', join(folder, 'named.conf')]
  const { child, stop } = await startTold('named', command, ' running\n')
  return {
    /** Reads the zone's file anew. */
    reload(zone: string, records: readonly string[]): void {
      write(zone, records)
      child.kill('SIGHUP')
    },
    stop,
  }
}

export type Zones = Readonly<Record<string, readonly string[] | undefined>>
type NamedOptions = { readonly side: Side; readonly address: string; readonly zones: Zones }

/** With what every zone begins. */
export const head = (address: string): readonly string[] => [
  '$TTL 1',
  '@ SOA ns.test. root.test. 1 60 60 600 1',
  '@ NS ns.test.',
  `ns.test. A ${address}`,
]

const configuration = (folder: string, address: string, zones: readonly string[], key?: UpdateKey): string => `
${key === undefined ? '' : `key "${key.name}" { algorithm hmac-sha256; secret "${key.secret}"; };`}
options {
  directory "${folder}"; pid-file none; session-keyfile "${folder}/key"; managed-keys-directory "${folder}";
  listen-on { ${address}; }; listen-on-v6 { none; };
  recursion no; dnssec-validation no; max-records-per-type 0; check-names primary ignore;
};
controls {};
${zones.map((zone) => `zone "${zone}" { type primary; file "${zone}"; ${key === undefined ? '' : openTo(key)} };`).join('\n')}
`

const openTo = ({ name }: UpdateKey): string => `allow-update { key "${name}"; }; allow-transfer { key "${name}"; };`
