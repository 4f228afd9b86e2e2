/** A zone with signatures (DNSSEC), made by BIND's own programs. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { head } from './named.ts'
import { programFile } from './programs.ts'

/** `folder` is made, for the keys; `address` is that of the BIND that serves the zone. */
export function signedZone(folder: string, zone: string, address: string) {
  mkdirSync(folder)
  const run = (program: string, ...args: readonly string[]): string =>
    execFileSync(programFile(program) ?? program, args, {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  const makeKey = (...kind: readonly string[]): string =>
    join(folder, run('dnssec-keygen', '-q', '-a', 'ECDSAP256SHA256', ...kind, zone).trim())
  const [keySigning, zoneSigning] = [makeKey('-f', 'KSK'), makeKey()]
  return {
    /** The file with the public key by which a resolver verifies the zone. */
    anchorFile: `${keySigning}.key`,
    /** The keys, signatures and proofs of absence for exactly these records: they are served together. */
    signatures(records: readonly string[]): readonly string[] {
      writeFileSync(join(folder, 'plain'), [`$ORIGIN ${zone}.`, ...head(address), ...records, ''].join('\n'))
      const key = readFileSync(`${keySigning}.key`, 'utf8') + readFileSync(`${zoneSigning}.key`, 'utf8')
      writeFileSync(join(folder, 'plain'), key, { flag: 'a' })
      const made = ['-D', '-O', 'full', '-o', zone, '-f', 'made', '-k', keySigning, 'plain', zoneSigning]
      run('dnssec-signzone', ...made)
      return [key, readFileSync(join(folder, 'made'), 'utf8')].flatMap((text) => text.split('\n'))
    },
  }
}
