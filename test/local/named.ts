/** Runs BIND as the authoritative server of a test's zones. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Side } from './network.ts'
import { programFile } from './programs.ts'
import { startTold } from './told-server.ts'

/** An HMAC-SHA-256 key that signs updates and transfers (TSIG, RFC 8945); `secret` is in base64. */
export type UpdateKey = { readonly name: string; readonly secret: string }

/**
 * `zones` has the records of each; undefined means that the zone's file is missing, so that every answer is SERVFAIL.
 * Whoever has `updateKey`, where there is one, may change and transfer all of them (RFC 2136).
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
    /** Writes the zone's file anew and lets BIND read it. */
    reload(zone: string, records: readonly string[]): void {
      write(zone, records)
      child.kill('SIGHUP')
    },
    stop,
  }
}

export type Zones = Readonly<Record<string, readonly string[] | undefined>>
type NamedOptions = { readonly side: Side; readonly address: string; readonly zones: Zones }

/** The records that every zone begins with. */
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
