/** The programs beside Node that suites need. If one is missing, its suites are skipped with a loud line, or fail in CI. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { skipped } from './skipped.ts'

const path = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/bin']

/** The file of a program on PATH or in Debian's folders; undefined where it is not installed. */
export const programFile = (name: string): string | undefined =>
  path
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })

/** Debian's own Python, which sees Debian's packages. */
export const python = '/usr/bin/python3'

const programs = {
  aiosmtpd: { package: 'python3-aiosmtpd', found: () => spawnSync(python, ['-c', 'import aiosmtpd']).status === 0 },
  swaks: { package: 'swaks libnet-ssleay-perl', found: () => programFile('swaks') !== undefined },
  msmtp: { package: 'msmtp', found: () => programFile('msmtp') !== undefined },
  'smtp-sink': { package: 'postfix', found: () => programFile('smtp-sink') !== undefined },
  postfix: { package: 'postfix', found: () => programFile('postfix') !== undefined },
  strace: { package: 'strace', found: () => programFile('strace') !== undefined },
  opendkim: { package: 'opendkim', found: () => programFile('opendkim') !== undefined },
  dkimpy: {
    package: 'python3-dkim python3-nacl',
    found: () => spawnSync(python, ['-c', 'import dkim, nacl']).status === 0,
  },
  named: { package: 'bind9', found: () => programFile('named') !== undefined },
  dig: { package: 'bind9-dnsutils', found: () => programFile('dig') !== undefined },
  nsupdate: { package: 'bind9-dnsutils', found: () => programFile('nsupdate') !== undefined },
  'dnssec-signzone': { package: 'bind9-utils', found: () => programFile('dnssec-signzone') !== undefined },
  unbound: { package: 'unbound', found: () => programFile('unbound') !== undefined },
  ip: { package: 'iproute2', found: () => programFile('ip') !== undefined },
  openssl: { package: 'openssl', found: () => programFile('openssl') !== undefined },
  'redis-server': { package: 'redis-server', found: () => programFile('redis-server') !== undefined },
  fusepy: {
    package: 'python3-fusepy fuse3',
    found: () => spawnSync(python, ['-c', 'import fusepy']).status === 0,
  },
  'mkfs.ext4': { package: 'e2fsprogs', found: () => programFile('mkfs.ext4') !== undefined },
  'mkfs.xfs': { package: 'xfsprogs', found: () => programFile('mkfs.xfs') !== undefined },
  'mkfs.btrfs': { package: 'btrfs-progs', found: () => programFile('mkfs.btrfs') !== undefined },
  promtool: { package: 'prometheus', found: () => programFile('promtool') !== undefined },
  saslpasswd2: { package: 'sasl2-bin libsasl2-modules', found: () => programFile('saslpasswd2') !== undefined },
} as const
export type Program = keyof typeof programs

/** The Debian packages of those programs that are not installed. */
export const missingPackages = (...names: readonly Program[]): readonly string[] =>
  names.filter((name) => !programs[name].found()).flatMap((name) => programs[name].package.split(' '))

/**
 * Whether a suite can run, for `describe.runIf`.
 * @throws Error in CI, where nothing may be skipped.
 */
export function installed(...names: readonly Program[]): boolean {
  const missing = missingPackages(...names)
  if (missing.length === 0) return true
  return skipped(`needs Debian packages: apt-get install ${missing.join(' ')}`)
}
