/** Runs external-dns, which publishes a cluster's DNSEndpoints in a zone of BIND by signed updates (RFC 2136). */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../local/free-port.ts'
import type { UpdateKey } from '../local/named.ts'
import { programFile } from '../local/programs.ts'
import { end } from '../local/receiver.ts'
import { skipped } from '../local/skipped.ts'
import { until } from '../local/until.ts'

/** The program on PATH, or where a cluster of this machine keeps it. */
function file(): string | undefined {
  const built = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'testbed/bin/external-dns')
  return programFile('external-dns') ?? (existsSync(built) ? built : undefined)
}

/**
 * Whether a suite can run, for `describe.runIf`.
 * @throws Error in CI, where nothing may be skipped.
 */
export const externalDnsInstalled = (): boolean =>
  file() !== undefined ||
  skipped('needs external-dns on PATH, or built by `../shared/testbed/testbed build external-dns`')

export type Publishing = {
  readonly kubeconfig: string
  /** The address of the name server, which is on port 53. */
  readonly address: string
  readonly zone: string
  /** The names that it may change, each with all below it. */
  readonly names: readonly string[]
  readonly key: UpdateKey
}

/** Starts it as docs/platform-team.md says: without a registry, and with the names that it may change. */
export async function startExternalDns({ kubeconfig, address, zone, names, key }: Publishing) {
  const port = await freePort()
  const flags = [
    ...['--source=crd', `--kubeconfig=${kubeconfig}`, '--managed-record-types=TXT'],
    ...['--registry=noop', '--policy=sync', '--interval=1s', ...names.map((name) => `--domain-filter=${name}`)],
    ...['--provider=rfc2136', `--rfc2136-host=${address}`, '--rfc2136-port=53', `--rfc2136-zone=${zone}`],
    ...[`--rfc2136-tsig-keyname=${key.name}`, `--rfc2136-tsig-secret=${key.secret}`],
    ...['--rfc2136-tsig-secret-alg=hmac-sha256', '--rfc2136-tsig-axfr'],
    `--metrics-address=127.0.0.1:${port}`,
  ]
  const child = spawn(file() ?? 'external-dns', flags, { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  await until('external-dns runs', () => {
    if (child.exitCode !== null) throw new Error(log)
    return fetch(`http://127.0.0.1:${port}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    )
  })
  return { log: (): string => log, stop: () => end(child) }
}
