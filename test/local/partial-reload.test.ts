/** What a relay can not do of a new configuration keeps it from no other part of it; and it is told until it is done. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { RelayConfig } from '../../relay/config.ts'
import { makeCertificates } from '../certificates.ts'
import { ed25519Key, signingWith } from '../relay/delivery/signing-keys.ts'
import { freePort } from './free-port.ts'
import { loadConfig, login, type Relay, startRelay, writeRelay } from './relay-process.ts'
import { SmtpSession } from './smtp-session.ts'
import { until } from './until.ts'

type Trouble = { readonly told: RegExp; end(): void }

/** What a relay reads, written down. */
async function stage() {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-partial-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const certificates = await makeCertificates(['127.0.0.1'])
  const [listenPort, smarthostPort, otherPort] = [await freePort(), await freePort(), await freePort()]
  const before = loadConfig({ listenPort, smarthostPort, maxConnections: 1 })
  const write = (config: RelayConfig): void => writeRelay(folder, config, certificates)
  write(before)
  const access = { host: '127.0.0.1', port: listenPort, tls: 'StartTLS', ca: certificates.ca, login } as const
  return { folder, before, otherPort, access, write }
}

async function running() {
  const written = await stage()
  const relay = await startRelay(written.folder)
  onTestFinished(async () => void (await relay.end('SIGKILL')))
  return { ...written, relay }
}

/** With another listener, and another smarthost that only the sending half knows of. */
const changed = (before: RelayConfig, port: number): RelayConfig => ({
  ...before,
  listeners: [...before.listeners, ...before.listeners.map((l) => ({ ...l, name: 'other', port }))],
  routes: before.routes.map((r) => ({ ...r, smarthosts: r.smarthosts.map((s) => ({ ...s, name: 'mended' })) })),
})

/** A folder where a file would be written: what a full volume does to that file alone. */
function blocked(file: string): Pick<Trouble, 'end'> {
  mkdirSync(`${file}.tmp`)
  return { end: () => rmSync(`${file}.tmp`, { recursive: true }) }
}

function taken(port: number): Pick<Trouble, 'end'> {
  const server = createServer().listen(port, '127.0.0.1')
  return { end: () => void server.close() }
}

test.each<[string, (port: number, data: string) => Trouble]>([
  ['a listener whose port somebody else has', (port) => ({ ...taken(port), told: /listener other .*EADDRINUSE/ })],
  [
    'a copy of the configuration that can not be written',
    (_port, data) => ({ ...blocked(join(data, 'last-good.json')), told: /last-good\.json can not be written/ }),
  ],
])('%s keeps no other part of a new configuration from being in force, and is told until it is mended', async (_name, begin) => {
  const { folder, relay, before, otherPort, write } = await running()
  const trouble = begin(otherPort, join(folder, 'data'))
  onTestFinished(() => {
    try {
      trouble.end()
    } catch {
      // It has ended with the test.
    }
  })
  const { hash } = await relay.status()
  write(changed(before, otherPort))
  const status = await until('it is tried', async () => {
    const now = await relay.status()
    return now.hash !== hash && now.configError !== undefined && now
  })
  expect(status.configError).toMatch(trouble.told)
  expect(await relay.metric('relayfleet_config_ok')).toBe(0)
  expect(status.smarthosts.map(({ name }) => name)).toEqual(['mended'])
  trouble.end()
  process.kill(relay.pid, 'SIGHUP')
  const mended = await until('it is whole', async () => {
    const now = await relay.status()
    return now.configError === undefined && now
  })
  expect(await relay.metric('relayfleet_config_ok')).toBe(1)
  expect(mended.listeners.map(({ name }) => name)).toEqual(['submission', 'other'])
  expect(JSON.parse(readFileSync(join(folder, 'data/last-good.json'), 'utf8')).hash).toBe(status.hash)
})

test('the copy of the configuration is kept while a listener can not be opened', async () => {
  const { folder, relay, before, otherPort, write } = await running()
  const trouble = taken(otherPort)
  onTestFinished(trouble.end)
  write(changed(before, otherPort))
  const { hash } = await until('it is tried', async () => {
    const now = await relay.status()
    return now.configError !== undefined && now
  })
  expect(JSON.parse(readFileSync(join(folder, 'data/last-good.json'), 'utf8')).hash).toBe(hash)
})

test('endpoints.json that can not be written makes no configuration fail, is told once, and written when it can be', async () => {
  const { folder, relay, before, otherPort, write } = await running()
  const file = join(folder, 'data/endpoints.json')
  const trouble = blocked(file)
  const { hash } = await relay.status()
  write(changed(before, otherPort))
  const status = await until('it is applied', async () => {
    const now = await relay.status()
    return now.hash !== hash && now.listeners.length === 2 && now
  })
  expect(status.configError).toBeUndefined()
  expect(status.smarthosts.map(({ name }) => name)).toEqual(['mended'])
  const told = (): number =>
    readFileSync(join(folder, 'relay.log'), 'utf8').match(/endpoints\.json could not be written/g)?.length ?? 0
  await until('it is told', () => told() > 0)
  process.kill(relay.pid, 'SIGHUP')
  const listeners = (): readonly { name: string }[] => JSON.parse(readFileSync(file, 'utf8')).listeners
  expect(listeners()).toHaveLength(1)
  trouble.end()
  process.kill(relay.pid, 'SIGHUP')
  await until('it is written', () => listeners().length === 2)
  expect(told()).toBe(1)
})

test('a pipe with the name of the copy of endpoints.json holds nothing up: its place is taken', async () => {
  const { folder, relay, before, otherPort, write } = await running()
  const file = join(folder, 'data/endpoints.json')
  execFileSync('mkfifo', [`${file}.tmp`])
  write(changed(before, otherPort))
  await until('it is written', () => JSON.parse(readFileSync(file, 'utf8')).listeners.length === 2)
  expect((await relay.status()).configError).toBeUndefined()
})

test('a certificate that went bad is told by the metric, too: the last good one is in use', async () => {
  const { folder, relay, before, write } = await running()
  expect(await relay.metric('relayfleet_config_ok')).toBe(1)
  writeFileSync(join(folder, 'config/tls.crt'), 'no certificate')
  process.kill(relay.pid, 'SIGHUP')
  await until('it is stale', async () => (await relay.status()).stale.length > 0)
  expect(await relay.metric('relayfleet_config_ok')).toBe(0)
  write(before)
  process.kill(relay.pid, 'SIGHUP')
  await until('it is mended', async () => (await relay.metric('relayfleet_config_ok')) === 1)
})

test('a relay that starts again goes on with the last good content of what went bad: a certificate that has ended, a key that signs (cases T12 and T13)', async () => {
  const { folder, before, write } = await stage()
  const { config, pem } = ed25519Key('s1')
  const [copy, keyFile] = [join(folder, 'data/last-good.json'), join(folder, 'config', config.keyFile)]
  mkdirSync(join(folder, 'config/dkim'))
  writeFileSync(keyFile, pem)
  write({ ...before, signing: [signingWith('corp.test', [{ config }])] })
  const first = await startRelay(folder)
  await until('it is kept', () => existsSync(copy))
  const { certificates } = await first.status()
  await first.end('SIGKILL')

  const validity = { notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2021-01-01T00:00:00Z') }
  const ended = await makeCertificates(['127.0.0.1'], validity)
  writeFileSync(join(folder, 'config/tls.crt'), ended.cert)
  writeFileSync(join(folder, 'config/tls.key'), ended.key)
  writeFileSync(keyFile, 'no key')
  const again = await startRelay(folder)
  onTestFinished(async () => void (await again.end('SIGKILL')))
  const status = await again.status()
  expect(status.certificates).toEqual(certificates)
  expect(status.signing.broken).toEqual([])
  expect(status.stale).toEqual(['tls.crt (it ended at 2021-01-01T00:00:00Z)', expect.stringMatching(/^dkim\/s1\.pem /)])
  expect(status.configError).toBeUndefined()
})

/** With a listener whose certificate nobody has brought: what a pod that has yet to be made anew does not mount. */
const lacking = (before: RelayConfig, port: number): RelayConfig => {
  const tls = { mode: 'Implicit', minVersion: '1.2', certificateFile: 'other.crt', keyFile: 'other.key' } as const
  return {
    ...before,
    listeners: [...before.listeners, ...before.listeners.map((l) => ({ ...l, name: 'other', port, tls }))],
  }
}
const without = (config: RelayConfig, change: object): RelayConfig => ({
  ...config,
  credentials: config.credentials.map((c) => ({ ...c, ...change })),
})

test('a new configuration that lacks a file which was never there waits for it, and what it takes away does not, nor over a restart (case A22)', async () => {
  const { folder, before, otherPort, access, write } = await stage()
  const relay = await startRelay(folder)
  const untilRefused = (relay: Relay, unlike: string): Promise<string> =>
    until('it is refused', async () => {
      const { configError = '', hash } = await relay.status()
      return /other\.crt is not readable/.test(configError) && hash !== unlike && hash
    })
  const { hash } = await relay.status()
  write(lacking(before, otherPort))
  expect(await untilRefused(relay, '')).toBe(hash)
  await (await SmtpSession.open(access)).quit()

  write(without(lacking(before, otherPort), { suspended: true }))
  await untilRefused(relay, hash)
  await expect(SmtpSession.open(access)).rejects.toThrow('(credential.suspended)')
  expect((await relay.status()).listeners.map(({ name }) => name)).toEqual(['submission'])
  expect(await relay.metric('relayfleet_config_ok')).toBe(0)

  // Given back it waits, as all that is new does.
  write(lacking(before, otherPort))
  process.kill(relay.pid, 'SIGHUP')
  await expect(SmtpSession.open(access)).rejects.toThrow('(credential.suspended)')
  await relay.end('SIGKILL')
  write(without(lacking(before, otherPort), { keys: [{ id: 'second', verifier: `sha256:${'0'.repeat(64)}` }] }))
  const again = await startRelay(folder)
  onTestFinished(async () => void (await again.end('SIGKILL')))
  await untilRefused(again, hash)
  await expect(SmtpSession.open(access)).rejects.toThrow('535')

  write(before)
  await until('it is as it was', async () => {
    const status = await again.status()
    return status.configError === undefined && status.hash === hash
  })
  await (await SmtpSession.open(access)).quit()
})
