/** A configuration of which no octet has changed is not parsed again, and every change in it or in a file that it names is seen. */
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { printConfig, type RelayConfig } from '../../relay/config.ts'
import { ConfigFolder } from '../../relay/config-folder.ts'
import { ConfigOctets } from '../../relay/config-octets.ts'
import { splitText } from '../../relay/config-text.ts'
import { makeCertificates } from '../certificates.ts'
import { temporaryFolder } from '../local/temporary.ts'
import { route, smarthost } from './delivery/samples.ts'
import { baseConfig } from './inbound/submission-under-test.ts'

const config: RelayConfig = { ...baseConfig, queue: { ...baseConfig.queue, maxBytes: 1000 } }
const other: RelayConfig = { ...config, queue: { ...config.queue, maxBytes: 2000 } }
const text = printConfig(config)
const parse = vi.spyOn(JSON, 'parse')
beforeEach(() => void parse.mockClear())

async function written(files: Readonly<Record<string, string | Buffer>> = { 'relay.json': text }) {
  const at = temporaryFolder()
  const write = (changed: Readonly<Record<string, string | Buffer>>): void => {
    for (const [name, content] of Object.entries(changed)) writeFileSync(join(at, name), content)
  }
  const first = await makeCertificates(['localhost'])
  write({ ...files, 'tls.crt': first.cert, 'tls.key': first.key })
  const folder = new ConfigFolder(at)
  return { at, write, folder, loaded: folder.load() }
}

const inParts = (of: RelayConfig) => Object.fromEntries(splitText(printConfig(of), { maxBytes: 300 }))

test.each([
  ['in one piece', { 'relay.json': text }],
  ['in parts', inParts(config)],
])('a configuration %s of which no octet has changed stays the one in force, and is not parsed again', async (_name, files) => {
  const { at, write, folder, loaded } = await written(files)
  parse.mockClear()
  write(files)
  for (const name of Object.keys(files)) utimesSync(join(at, name), 1, 1)
  expect(await folder.follow(loaded)).toBe(loaded)
  expect(parse).not.toHaveBeenCalled()
})

test.each<[string, Readonly<Record<string, string | Buffer>>, Readonly<Record<string, string | Buffer>>]>([
  ['another text of the same length', { 'relay.json': text }, { 'relay.json': printConfig(other) }],
  ['other parts', inParts(config), inParts(other)],
  ['relay.json beside parts', inParts(config), { 'relay.json': printConfig(other) }],
])('a changed configuration is read: %s', async (_name, before, after) => {
  const { write, folder, loaded } = await written(before)
  write(after)
  expect((await folder.follow(loaded)).config).toEqual(other)
})

test('a changed configuration is parsed once, and others have a turn between that and the rest of its reading (case R19)', async () => {
  const { write, folder, loaded } = await written()
  write({ 'relay.json': printConfig(other) })
  parse.mockClear()
  const parsesByTurn: number[] = []
  let isRead = false
  const look = (): void => {
    parsesByTurn.push(parse.mock.calls.length)
    if (!isRead) setImmediate(look)
  }
  setImmediate(look)
  await folder.follow(loaded)
  isRead = true
  expect(parse).toHaveBeenCalledTimes(1)
  expect(parsesByTurn).toContain(1)
})

test('a file that the configuration names is seen when it changes, goes bad, is mended and is gone, though relay.json stays as it was', async () => {
  const { at, write, folder, loaded } = await written()
  const { cert, key } = await makeCertificates(['localhost'])
  write({ 'tls.crt': cert, 'tls.key': key })
  const renewed = await folder.follow(loaded)
  expect(renewed.files.get('tls.crt')).toBe(cert)
  expect(await folder.follow(renewed)).toBe(renewed)
  write({ 'tls.crt': 'garbage' })
  const stale = await folder.follow(renewed)
  expect([...stale.stale.keys()]).toEqual(['tls.crt'])
  expect(await folder.follow(stale)).toBe(stale)
  write({ 'tls.crt': cert })
  const mended = await folder.follow(stale)
  expect([...mended.stale.keys()]).toEqual([])
  rmSync(join(at, 'tls.key'))
  expect([...(await folder.follow(mended)).stale.keys()]).toEqual(['tls.key'])
})

test('a certificate that is not valid yet is taken once its time has come, though no octet has changed (case T13)', async () => {
  const { at, write } = await written()
  let now = Date.now()
  const folder = new ConfigFolder(at, () => now)
  const loaded = folder.load()
  const begin = now + 3_600_000
  const early = await makeCertificates(['localhost'], { notBefore: new Date(begin), notAfter: new Date(begin + 1000) })
  write({ 'tls.crt': early.cert, 'tls.key': early.key })
  const waiting = await folder.follow(loaded)
  expect([...waiting.stale.keys()]).toEqual(['tls.crt'])
  now = begin - 2000
  expect(await folder.follow(waiting)).toBe(waiting)
  now = begin
  const begun = await folder.follow(waiting)
  expect(begun.files.get('tls.crt')).toBe(early.cert)
  expect([...begun.stale.keys()]).toEqual([])
})

test('a file that no configuration names changes nothing: the configuration in force stays', async () => {
  const { write, folder, loaded } = await written()
  write({ drain: 'yes' })
  expect(await folder.follow(loaded)).toBe(loaded)
})

test('a configuration that was refused is refused again for the same reason, without being parsed, until it changes', async () => {
  const { write, folder, loaded } = await written()
  write({ 'relay.json': '{"version": 1}' })
  const why = await folder.follow(loaded).catch((error: Error) => error)
  expect(why).toBeInstanceOf(Error)
  parse.mockClear()
  await expect(folder.follow(loaded)).rejects.toBe(why)
  expect(parse).not.toHaveBeenCalled()
  write({ 'relay.json': text })
  expect(await folder.follow(loaded)).toBe(loaded)
})

test('a configuration that is missing is refused as missing, and read when it is back', async () => {
  const { at, folder, loaded } = await written()
  renameSync(at, `${at}.away`)
  await expect(folder.follow(loaded)).rejects.toThrow('ENOENT')
  await expect(folder.follow(loaded)).rejects.toThrow('ENOENT')
  mkdirSync(at)
  await expect(folder.follow(loaded)).rejects.toThrow('there is no relay.json')
  rmSync(at, { recursive: true })
  renameSync(`${at}.away`, at)
  expect(await folder.follow(loaded)).toBe(loaded)
})

test('files that are replaced together while they are read are of before or of now, never some of each: a login by halves would be refused (cases C01, U22)', async () => {
  const auth = { usernameFile: 'username', passwordFile: 'password' }
  const withLogin = { ...config, routes: [route('default', [smarthost('ses', 25, { auth })])] }
  const { at, write } = await written({ 'relay.json': printConfig(withLogin), username: 'before', password: 'before' })
  const folder = new ConfigFolder(at)
  const loaded = folder.load()
  write({ 'tls.crt': 'changed' })
  const { read } = ConfigOctets.prototype
  const reading = vi.spyOn(ConfigOctets.prototype, 'read').mockImplementation(function (this: ConfigOctets, path) {
    const octets = read.call(this, path)
    if (path === 'username') write({ username: 'now', password: 'now' })
    return octets
  })
  onTestFinished(() => reading.mockRestore())
  const { files } = await folder.follow(loaded)
  expect([files.get('username'), files.get('password')]).toEqual(['now', 'now'])
})

test('a folder that changes whenever it is read is read a few times, and what it took away is in force (case A22)', async () => {
  const { at, write, folder, loaded } = await written()
  write({ 'relay.json': printConfig(other) })
  let changes = 0
  const { read } = ConfigOctets.prototype
  const reading = vi.spyOn(ConfigOctets.prototype, 'read').mockImplementation(function (this: ConfigOctets, path) {
    if (path === 'tls.key') writeFileSync(join(at, `${changes++}`), '')
    return read.call(this, path)
  })
  onTestFinished(() => reading.mockRestore())
  expect((await folder.follow(loaded)).config).toEqual(other)
  expect(changes).toBeLessThan(10)
})

test.each([
  'load',
  'follow',
] as const)('a relay.json that is another one at each look is read a few times, and holds nothing up (case R19): %s', async (way) => {
  const { write, folder, loaded } = await written()
  let looks = 0
  const { read } = ConfigOctets.prototype
  const reading = vi.spyOn(ConfigOctets.prototype, 'read').mockImplementation(function (this: ConfigOctets, path) {
    if (path !== 'relay.json') return read.call(this, path)
    looks += 1
    write({ 'relay.json': printConfig({ ...config, queue: { ...config.queue, maxBytes: looks } }) })
    return read.call(this, path)
  })
  onTestFinished(() => reading.mockRestore())
  write({ 'relay.json': printConfig(other) })
  expect((await folder[way](loaded)).config.queue.maxBytes).toBeGreaterThan(0)
  expect(looks).toBeLessThan(20)
  reading.mockRestore()
  write({ 'relay.json': printConfig(other) })
  expect((await folder.follow(loaded)).config, 'one that stands still is in force').toEqual(other)
})

test('a configuration that was gone for a moment while it was read is read when it is back as it was (case A22)', async () => {
  const { at, write, folder, loaded } = await written()
  write({ 'relay.json': printConfig(other) })
  const { read } = ConfigOctets.prototype
  const reading = vi.spyOn(ConfigOctets.prototype, 'read').mockImplementation(function (this: ConfigOctets, path) {
    const octets = read.call(this, path)
    if (path === 'tls.key') renameSync(at, `${at}.away`)
    return octets
  })
  onTestFinished(() => reading.mockRestore())
  await expect(folder.follow(loaded)).rejects.toThrow('ENOENT')
  reading.mockRestore()
  renameSync(`${at}.away`, at)
  expect((await folder.follow(loaded)).config).toEqual(other)
})

test('a bad file that was refused while no configuration was in force is judged anew beside one in force, whose last good content stays', async () => {
  const { at, write, loaded } = await written()
  write({ 'tls.crt': 'garbage' })
  const folder = new ConfigFolder(at)
  expect(() => folder.load()).toThrow('can not be used')
  expect([...(await folder.follow(loaded)).stale.keys()]).toEqual(['tls.crt'])
})

/** A named pipe with a writer: a reader that opens it and waits would get what was written. */
function pipe(path: string): void {
  execFileSync('mkfifo', [path])
  const writer = openSync(path, 'r+')
  onTestFinished(() => closeSync(writer))
  writeSync(writer, '{}\n')
}

const none: readonly (readonly [string, (path: string) => void, string])[] = [
  ['a pipe', pipe, 'relay.json: it is no file'],
  ['a device', (path) => symlinkSync('/dev/null', path), 'relay.json: it is no file'],
  ['a file of 100 MiB', (path) => void truncateSync(path, 100 * 1024 * 1024), 'it has 104857600'],
  ['a folder', (path) => mkdirSync(path), 'relay.json: EISDIR'],
]

test.each(
  none,
)('%s in the place of relay.json is refused at once, and the configuration in force stays', async (_name, put, why) => {
  const { at, write, folder, loaded } = await written()
  const path = join(at, 'relay.json')
  if (!why.startsWith('it has')) rmSync(path)
  put(path)
  await expect(folder.follow(loaded)).rejects.toThrow(why)
  await expect(folder.follow(loaded)).rejects.toThrow(why)
  rmSync(path, { recursive: true })
  write({ 'relay.json': text })
  expect(await folder.follow(loaded)).toBe(loaded)
})

test('a pipe in the place of a key is told as no file, and the last good key stays in use', async () => {
  const { at, folder, loaded } = await written()
  rmSync(join(at, 'tls.key'))
  pipe(join(at, 'tls.key'))
  expect([...(await folder.follow(loaded)).stale]).toEqual([['tls.key', 'it is not readable (it is no file)']])
})

test('an endless device in the place of a large relay.json is read no further than that file was long, and is refused', async () => {
  const large = ' '.repeat(100_000) + text
  const { at, folder, loaded } = await written({ 'relay.json': large })
  rmSync(join(at, 'relay.json'))
  symlinkSync('/dev/zero', join(at, 'relay.json'))
  await expect(folder.follow(loaded)).rejects.toThrow('relay.json: it is no file')
}, 20_000)
