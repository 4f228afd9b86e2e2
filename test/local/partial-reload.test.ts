/** A relay that can not apply a part of a new configuration applies the rest, and tells of that part until it is applied. */
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { printConfig, type RelayConfig } from '../../relay/config.ts'
import { makeCertificates } from '../certificates.ts'
import { ed25519Key, signingWith } from '../relay/delivery/signing-keys.ts'
import { freePort, heldPort } from './free-port.ts'
import { loadConfig, login, putFile, type Relay, startRelay, writeRelay } from './relay-process.ts'
import { SmtpSession } from './smtp-session.ts'
import { until } from './until.ts'

type Trouble = { readonly told: RegExp; readonly port: number; end(): void }

/** The files that a relay reads, in a folder of the test's own. */
async function stage() {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-partial-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const certificates = await makeCertificates(['127.0.0.1'])
  const [listenPort, smarthostPort, otherPort] = [await freePort(), await freePort(), await freePort()]
  const before = loadConfig({ listenPort, smarthostPort, maxConnections: 1 })
  const write = (config: RelayConfig): void => writeRelay(folder, config, certificates)
  write(before)
  const access = { host: '127.0.0.1', port: listenPort, tls: 'StartTLS', ca: certificates.ca, login } as const
  return { folder, before, otherPort, access, write, ca: certificates.ca }
}

async function running() {
  const written = await stage()
  const relay = await startRelay(written.folder)
  onTestFinished(async () => void (await relay.end('SIGKILL')))
  return { ...written, relay }
}

/** The configuration with another listener, and with another name for the smarthost, which only the sending half knows. */
const changed = (before: RelayConfig, port: number): RelayConfig => ({
  ...before,
  listeners: [...before.listeners, ...before.listeners.map((l) => ({ ...l, name: 'other', port }))],
  routes: before.routes.map((r) => ({ ...r, smarthosts: r.smarthosts.map((s) => ({ ...s, name: 'mended' })) })),
})

/** Keeps one file from being written, as a full volume would, by a folder where its copy would be written. */
function blocked(file: string): Pick<Trouble, 'end'> {
  mkdirSync(`${file}.tmp`)
  return { end: () => rmSync(`${file}.tmp`, { recursive: true }) }
}

/** A port that somebody else has. */
async function taken(): Promise<Omit<Trouble, 'told'>> {
  const { port, release } = await heldPort()
  return { port, end: () => void release() }
}

test.each<[string, (data: string, port: number) => Promise<Trouble>]>([
  [
    'a listener whose port somebody else has',
    async () => ({ ...(await taken()), told: /listener other .*EADDRINUSE/ }),
  ],
  [
    'a copy of the configuration that can not be written',
    async (data, port) => ({
      ...blocked(join(data, 'last-good.json')),
      ...{ port, told: /last-good\.json can not be written/ },
    }),
  ],
])('the rest of a new configuration is in force beside %s, which is told until it is mended', async (_name, begin) => {
  const { folder, relay, before, otherPort, write } = await running()
  const trouble = await begin(join(folder, 'data'), otherPort)
  onTestFinished(() => {
    try {
      trouble.end()
    } catch {
      // The trouble has ended with the test already.
    }
  })
  const { hash } = await relay.status()
  write(changed(before, trouble.port))
  const status = await until('the new configuration is tried', async () => {
    const now = await relay.status()
    return now.hash !== hash && now.configError !== undefined && now
  })
  expect(status.configError).toMatch(trouble.told)
  expect(await relay.metric('relayfleet_config_ok')).toBe(0)
  expect(status.smarthosts.map(({ name }) => name)).toEqual(['mended'])
  trouble.end()
  process.kill(relay.pid, 'SIGHUP')
  const mended = await until('the whole configuration is in force', async () => {
    const now = await relay.status()
    return now.configError === undefined && now
  })
  expect(await relay.metric('relayfleet_config_ok')).toBe(1)
  expect(mended.listeners.map(({ name }) => name)).toEqual(['submission', 'other'])
  expect(JSON.parse(readFileSync(join(folder, 'data/last-good.json'), 'utf8')).hash).toBe(status.hash)
})

test('while no newer configuration can be read, the one in force is still kept in last-good.json as soon as that can be written (case A22)', async () => {
  const { folder, relay, before, otherPort, write } = await running()
  const copy = join(folder, 'data/last-good.json')
  const trouble = blocked(copy)
  write(changed(before, otherPort))
  const { hash } = await until('the new configuration is tried', async () => {
    const now = await relay.status()
    return now.configError !== undefined && now
  })
  putFile(folder, 'relay.json', '{')
  await until('the newest one is refused', async () => {
    const { configError = '' } = await relay.status()
    return /no JSON.*last-good\.json can not be written/.test(configError)
  })
  trouble.end()
  process.kill(relay.pid, 'SIGHUP')
  await until('the copy is that of the one in force', () => JSON.parse(readFileSync(copy, 'utf8')).hash === hash)
  await until('only the newest one is told', async () => /no JSON[^;]*$/.test((await relay.status()).configError ?? ''))
})

test('of two configurations with the same trouble the second one is told as the one in force', async () => {
  const { folder, relay, before, write } = await running()
  const trouble = await taken()
  onTestFinished(trouble.end)
  write(changed(before, trouble.port))
  const first = await until('the first one is tried', async () => {
    const now = await relay.status()
    return now.configError !== undefined && now
  })
  write({ ...changed(before, trouble.port), hostname: 'second.test' })
  const { hash, configError } = await until('the second one is tried', async () => {
    const now = await relay.status()
    return now.hash !== first.hash && now
  })
  expect(configError).toBe(first.configError)
  const isMeasured = new RegExp(`^relayfleet_config_info\\{.*hash="${hash}".*\\} 1$`, 'm')
  await until('the metric tells it', async () => isMeasured.test(await relay.metrics()))
  await until('the log tells it', () => readFileSync(join(folder, 'relay.log'), 'utf8').includes(hash))
})

const lined = (folder: string): readonly string[] => readFileSync(join(folder, 'relay.log'), 'utf8').split('\n')

test('what can not be applied is tried again and again, and a file that can not be used is told once; once a newer configuration that was refused is gone, what is in force is told anew', async () => {
  const { folder, relay, before, write } = await running()
  const trouble = await taken()
  onTestFinished(trouble.end)
  const inPart = () => lined(folder).filter((line) => line.includes('configuration applied, but not all of it')).length
  const refusals = () => lined(folder).filter((line) => line.includes('configuration refused')).length
  write(changed(before, trouble.port))
  await until('it is applied in part', () => inPart() === 1)
  putFile(folder, 'tls.crt', 'no certificate')
  process.kill(relay.pid, 'SIGHUP')
  await until('the certificate is stale, and that is applied in part, too', () => inPart() === 2)
  for (const text of ['{', '[']) {
    const known = refusals()
    putFile(folder, 'relay.json', text)
    process.kill(relay.pid, 'SIGHUP')
    await until('it is refused, and the one in force is tried again', () => refusals() > known)
  }
  expect(lined(folder).filter((line) => line.includes('a file can not be used'))).toHaveLength(1)
  expect(inPart()).toBe(2)
  putFile(folder, 'relay.json', printConfig(changed(before, trouble.port)))
  process.kill(relay.pid, 'SIGHUP')
  await until('it is told again', () => inPart() === 3)
  expect(lined(folder).filter((line) => line.includes('a file can not be used'))).toHaveLength(1)
})

test('a configuration that is in force as a whole only when a newer one is refused is told so', async () => {
  const { folder, relay, before, otherPort, write } = await running()
  const trouble = await taken()
  onTestFinished(trouble.end)
  const wanted = changed(before, trouble.port)
  write(wanted)
  const { hash } = await until('it is applied in part', async () => {
    const now = await relay.status()
    return now.configError !== undefined && now
  })
  const applied = () =>
    lined(folder).filter((line) => line.includes(hash) && line.includes('"configuration applied"')).length
  trouble.end()
  const third = lacking(before, otherPort)
    .listeners.slice(1)
    .map((l) => ({ ...l, name: 'third' }))
  write({ ...wanted, listeners: [...wanted.listeners, ...third] })
  await until('the newer one is refused, and all of the one before is in force', async () => {
    const { configError = '', listeners } = await relay.status()
    return configError.includes('other.crt') && !configError.includes('EADDRINUSE') && listeners.length === 2
  })
  await until('the log tells it', () => applied() === 1)
})

test('a new configuration is told as in force only when it is known whether all of it is', async () => {
  const { relay, before, write } = await running()
  const trouble = await taken()
  onTestFinished(trouble.end)
  const { hash } = await relay.status()
  write(changed(before, trouble.port))
  const first = await until(
    'there is a new configuration',
    async () => {
      const now = await relay.status()
      return now.hash !== hash && now
    },
    15_000,
    0,
  )
  expect(first.configError).toMatch(/EADDRINUSE/)
})

test('last-good.json gets a new configuration though one of its listeners can not be opened', async () => {
  const { folder, relay, before, write } = await running()
  const trouble = await taken()
  onTestFinished(trouble.end)
  write(changed(before, trouble.port))
  const { hash } = await until('the new configuration is tried', async () => {
    const now = await relay.status()
    return now.configError !== undefined && now
  })
  expect(JSON.parse(readFileSync(join(folder, 'data/last-good.json'), 'utf8')).hash).toBe(hash)
})

test('when endpoints.json can not be written, a new configuration is in force all the same; that is logged once, and the file is written later', async () => {
  const { folder, relay, before, otherPort, write } = await running()
  const file = join(folder, 'data/endpoints.json')
  const trouble = blocked(file)
  const { hash } = await relay.status()
  write(changed(before, otherPort))
  const status = await until('the new configuration is in force', async () => {
    const now = await relay.status()
    return now.hash !== hash && now.listeners.length === 2 && now
  })
  expect(status.configError).toBeUndefined()
  expect(status.smarthosts.map(({ name }) => name)).toEqual(['mended'])
  const told = (): number =>
    readFileSync(join(folder, 'relay.log'), 'utf8').match(/endpoints\.json could not be written/g)?.length ?? 0
  await until('the log tells of endpoints.json', () => told() > 0)
  process.kill(relay.pid, 'SIGHUP')
  const listeners = (): readonly { name: string }[] => JSON.parse(readFileSync(file, 'utf8')).listeners
  expect(listeners()).toHaveLength(1)
  trouble.end()
  process.kill(relay.pid, 'SIGHUP')
  await until('endpoints.json is written', () => listeners().length === 2)
  expect(told()).toBe(1)
})

/** The folders that a process watches, by inode, as Linux has them. */
function watchedBy(pid: number): readonly number[] {
  const files = readdirSync(`/proc/${pid}/fdinfo`).map((fd) => {
    try {
      return readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8')
    } catch {
      return ''
    }
  })
  return [...files.join('\n').matchAll(/^inotify wd:\S+ ino:([0-9a-f]+)/gm)].map(([, ino = '']) => Number(`0x${ino}`))
}

test.runIf(process.platform === 'linux').each([
  ['as where a kubelet writes the volume anew', () => undefined],
  [
    'also while a part of the configuration can not be applied',
    (data: string) => blocked(join(data, 'last-good.json')),
  ],
])(
  'a folder of files that another one with the same files takes the place of is watched there, %s',
  async (_, begin) => {
    const { folder, relay, before, write, ca } = await running()
    begin(join(folder, 'data'))
    const at = join(folder, 'config/ca')
    const made = (path: string): number => {
      mkdirSync(path)
      writeFileSync(join(path, 'ca.crt'), ca)
      return statSync(path).ino
    }
    const first = made(at)
    const tls = { mode: 'StartTLS', caFile: 'ca/ca.crt' } as const
    write({
      ...before,
      routes: before.routes.map((r) => ({ ...r, smarthosts: r.smarthosts.map((s) => ({ ...s, tls })) })),
    })
    await until('the folder is watched', () => watchedBy(relay.pid).includes(first))
    const { hash } = await relay.status()
    const second = made(`${at}.new`)
    renameSync(at, `${at}.old`)
    renameSync(`${at}.new`, at)
    await until('the other one is watched', () => watchedBy(relay.pid).includes(second))
    expect(watchedBy(relay.pid)).not.toContain(first)
    expect((await relay.status()).hash).toBe(hash)
  },
)

test('a pipe where the copy of endpoints.json would be written holds nothing up, and is replaced', async () => {
  const { folder, relay, before, otherPort, write } = await running()
  const file = join(folder, 'data/endpoints.json')
  execFileSync('mkfifo', [`${file}.tmp`])
  write(changed(before, otherPort))
  await until('endpoints.json is written', () => JSON.parse(readFileSync(file, 'utf8')).listeners.length === 2)
  expect((await relay.status()).configError).toBeUndefined()
})

test('a damaged certificate file is stale in the status, and keeps relayfleet_config_ok at 0 until it is mended', async () => {
  const { folder, relay, before, write } = await running()
  expect(await relay.metric('relayfleet_config_ok')).toBe(1)
  putFile(folder, 'tls.crt', 'no certificate')
  process.kill(relay.pid, 'SIGHUP')
  await until('the certificate is stale', async () => (await relay.status()).stale.length > 0)
  expect(await relay.metric('relayfleet_config_ok')).toBe(0)
  write(before)
  process.kill(relay.pid, 'SIGHUP')
  await until('relayfleet_config_ok is 1 again', async () => (await relay.metric('relayfleet_config_ok')) === 1)
})

test('a relay that starts again uses the last good content of a certificate that has ended and of a DKIM key that is damaged (cases T12 and T13)', async () => {
  const { folder, before, write } = await stage()
  const { config, pem } = ed25519Key('s1')
  const [copy, keyFile] = [join(folder, 'data/last-good.json'), join(folder, 'config', config.keyFile)]
  mkdirSync(join(folder, 'config/dkim'))
  writeFileSync(keyFile, pem)
  write({ ...before, signing: [signingWith('corp.test', [{ config }])] })
  const first = await startRelay(folder)
  await until('last-good.json is there', () => existsSync(copy))
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

/** The configuration with a listener whose certificate is missing, as in a pod that mounts it only when it is made anew. */
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

test('a new configuration waits for a file that was never there, but what it takes from a credential is gone at once, and after a restart (case A22)', async () => {
  const { folder, before, otherPort, access, write } = await stage()
  const relay = await startRelay(folder)
  const untilRefused = (relay: Relay, unlike: string): Promise<string> =>
    until('the new configuration is refused', async () => {
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

  // What a configuration gives back waits for the file, as everything new does.
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
  await until('the first configuration is in force again', async () => {
    const status = await again.status()
    return status.configError === undefined && status.hash === hash
  })
  await (await SmtpSession.open(access)).quit()
})
