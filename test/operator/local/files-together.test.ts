/** Files of a fleet that belong together change together: a relay that looks while the disk is slow finds all as before. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test, vi } from 'vitest'
import { createAuthority } from '../../../operator/ca.ts'
import { type FileSources, type Reference, type RunningFleet, writeFleet } from '../../../operator/local/fleet-files.ts'
import { stateAt } from '../../../operator/local/state.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { runningFleet } from './running-fleet.ts'

/** Called in each wait for the disk, which may last for as long as a relay takes to load a change. */
const disk = vi.hoisted(() => ({ waited: () => {} }))

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  const fsyncSync = (fd: number): void => {
    disk.waited()
    fs.fsyncSync(fd)
  }
  return { ...fs, default: fs, fsyncSync }
})
beforeEach(() => {
  disk.waited = () => {}
})

const now = Date.UTC(2026, 10, 24)
const tls = { certificateFile: 'tls/a/tls.crt', keyFile: 'tls/a/tls.key' }
const named = ['secrets/ses/username', 'secrets/ses/password', tls.certificateFile, tls.keyFile, 'relay.json'] as const

function fleetFor(host: string): RunningFleet {
  const from = (key: string) => ({ kind: 'Secret', name: 'mail/ses', key }) as const
  const issued = (part: 'certificate' | 'key') => ({ kind: 'issued', part, hosts: [host] }) as const
  const config = { hostname: host, listeners: [{ name: 'a', tls }] } as unknown as RunningFleet['config']
  return runningFleet({
    config,
    files: [
      ...['username', 'password'].map((key) => ({ path: `secrets/ses/${key}`, from: from(key) })),
      { path: tls.certificateFile, from: issued('certificate') },
      { path: tls.keyFile, from: issued('key') },
    ],
  })
}

test('while a fleet gets another login, certificate and smarthost, and the disk is slow, its relay finds no new one beside an old one (case U22)', async () => {
  const folder = stateAt(temporaryFolder()).fleet('mail/shared')
  const authority = await createAuthority(now)
  const sources = (which: string): FileSources => ({
    authority,
    value: ({ key }: Reference) => Buffer.from(`${which} ${key}`),
    signingKey: () => undefined,
    now,
  })
  const found = (): readonly string[] => named.map((path) => readFileSync(join(folder.config, path), 'utf8'))
  await writeFleet(folder, fleetFor('old.example'), sources('old'))
  const before = found()
  const looks: (readonly string[])[] = []
  disk.waited = () => void looks.push(found())
  await writeFleet(folder, fleetFor('new.example'), sources('new'))
  expect(looks.length).toBeGreaterThan(0)
  expect(looks).toEqual(looks.map(() => before))
  expect(found().every((text, i) => text !== before[i])).toBe(true)
})
