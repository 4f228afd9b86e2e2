/** The files of a fleet are written for its relay: values of Secrets, issued certificates, and relay.json only when all of them are there. */
import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { createAuthority, type Issued } from '../../../operator/ca.ts'
import { type FileSources, type Reference, type RunningFleet, writeFleet } from '../../../operator/local/fleet-files.ts'
import { stateAt } from '../../../operator/local/state.ts'
import type { RelayConfig } from '../../../relay/config.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { runningFleet } from './running-fleet.ts'

const now = Date.UTC(2026, 10, 24)
const day = 24 * 3_600_000
let authority: Issued
beforeAll(async () => {
  authority = await createAuthority(now)
})

const tls = (name: string) => ({ certificateFile: `tls/${name}/tls.crt`, keyFile: `tls/${name}/tls.key` })
const issued = (name: string, hosts: readonly string[]): RunningFleet['files'] => [
  { path: tls(name).certificateFile, from: { kind: 'issued', part: 'certificate', hosts } },
  { path: tls(name).keyFile, from: { kind: 'issued', part: 'key', hosts } },
]
const secretFile = (key: string) =>
  ({ path: `secrets/ses/${key}`, from: { kind: 'Secret', name: 'mail/ses', key } }) as const
const fleetWith = (
  files: RunningFleet['files'],
  listeners: readonly string[] = [],
  hostname = 'a.example',
): RunningFleet => {
  const config = { hostname, listeners: listeners.map((name) => ({ name, tls: tls(name) })) } as unknown as RelayConfig
  return runningFleet({ config, files })
}

function folderAndSources(values: Readonly<Record<string, string>> = {}) {
  const folder = stateAt(temporaryFolder()).fleet('mail/shared')
  const value = ({ kind, name, key }: Reference): Uint8Array | undefined => {
    const text = values[`${kind} ${name} ${key}`]
    return text === undefined ? undefined : Buffer.from(text)
  }
  const sources: FileSources = { authority, value, signingKey: () => undefined, now }
  const read = (path: string): string => readFileSync(join(folder.config, path), 'utf8')
  return { folder, sources, read }
}

test('every file that relay.json names is written for the owner only, and writing the same again changes nothing', async () => {
  const { folder, sources, read } = folderAndSources({ 'Secret mail/ses password': 's3cret' })
  const fleet = fleetWith([secretFile('password')])
  expect(await writeFleet(folder, fleet, sources)).toEqual({ changed: true, freed: false })
  expect(read('secrets/ses/password')).toBe('s3cret')
  expect(statSync(join(folder.config, 'secrets/ses/password')).mode & 0o777).toBe(0o600)
  expect(await writeFleet(folder, fleet, sources)).toEqual({ changed: false, freed: false })
})

test('a changed value of a Secret is told as a change', async () => {
  const { folder, sources } = folderAndSources({ 'Secret mail/ses password': 'old' })
  const fleet = fleetWith([secretFile('password')])
  await writeFleet(folder, fleet, sources)
  const { changed } = await writeFleet(folder, fleet, { ...sources, value: () => Buffer.from('new') })
  expect(changed).toBe(true)
})

test('the file of a Secret that disappears keeps its last content', async () => {
  const { folder, sources, read } = folderAndSources({ 'Secret mail/ses password': 's3cret' })
  const fleet = fleetWith([secretFile('password')])
  await writeFleet(folder, fleet, sources)
  await writeFleet(folder, fleet, { ...sources, value: () => undefined })
  expect(read('secrets/ses/password')).toBe('s3cret')
})

test('a Secret that never existed is named in an error, and relay.json is not written', async () => {
  const { folder, sources } = folderAndSources()
  await expect(writeFleet(folder, fleetWith([secretFile('password')]), sources)).rejects.toThrow(
    'Secret mail/ses has no key password',
  )
  expect(existsSync(folder.configFile)).toBe(false)
})

test('a file that relay.json no longer names is deleted at the next write, since a relay may still read it until then', async () => {
  const { folder, sources } = folderAndSources({ 'Secret mail/ses password': 's3cret' })
  await writeFleet(folder, fleetWith([secretFile('password')]), sources)
  const without = fleetWith([], [], 'b.example')
  expect(await writeFleet(folder, without, sources)).toEqual({ changed: true, freed: false })
  expect(existsSync(join(folder.config, 'secrets/ses/password'))).toBe(true)
  expect(await writeFleet(folder, without, sources)).toEqual({ changed: false, freed: true })
  expect(existsSync(join(folder.config, 'secrets/ses/password'))).toBe(false)
  expect(existsSync(folder.configFile)).toBe(true)
})

test('each listener has a certificate of its own, issued for its hosts', async () => {
  const { folder, sources, read } = folderAndSources()
  const fleet = fleetWith([...issued('a', ['a.example']), ...issued('b', ['a.example', 'b.example'])], ['a', 'b'])
  await writeFleet(folder, fleet, sources)
  const names = ['a', 'b'].map((n) => new X509Certificate(read(tls(n).certificateFile)).subjectAltName)
  expect(names).toEqual(['DNS:a.example', 'DNS:a.example, DNS:b.example'])
})

test.each<[string, number, readonly string[], boolean]>([
  ['is kept while it is new', 0, ['a.example'], false],
  ['is kept while a third of its time is left', 59 * day, ['a.example'], false],
  ['is issued anew when less is left', 61 * day, ['a.example'], true],
  ['is issued anew for other hosts', 0, ['b.example'], true],
])('a certificate %s', async (_name, later, hosts, anew) => {
  const { folder, sources, read } = folderAndSources()
  await writeFleet(folder, fleetWith(issued('a', ['a.example']), ['a']), sources)
  const before = read('tls/a/tls.crt')
  await writeFleet(folder, fleetWith(issued('a', hosts), ['a']), { ...sources, now: now + later })
  expect(read('tls/a/tls.crt') !== before).toBe(anew)
})

test.each([
  'tls/a/tls.key',
  'tls/a/tls.crt',
])('a certificate whose file %s is damaged or lost is issued anew', async (file) => {
  const { folder, sources, read } = folderAndSources()
  const fleet = fleetWith(issued('a', ['a.example']), ['a'])
  await writeFleet(folder, fleet, sources)
  writeFileSync(join(folder.config, file), 'garbage')
  await writeFleet(folder, fleet, sources)
  expect(read(file)).toContain('-----BEGIN')
  rmSync(join(folder.config, file))
  await writeFleet(folder, fleet, sources)
  expect(read(file)).toContain('-----BEGIN')
})
