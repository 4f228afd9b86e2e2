/** Captured mail is in the inbox once, in files that are whole or not there, and takes no room that delivery needs. */
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { capture, InboxError } from '../../../relay/delivery/inbox.ts'
import type { Envelope } from '../../../relay/mail/envelope.ts'
import { type Disk, nodeDisk } from '../../../relay/spool/disk.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { fill, leave } from '../spool/fill.ts'
import { openFilesIn } from '../spool/open-files.ts'
import { smallVolume, smallVolumesGiven } from '../spool/small-volume.ts'
import { MemorySpool } from './memory-spool.ts'
import { oneSmarthost, rig } from './rig.ts'
import { contentOf, envelope, hello } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

const descriptionOf = (message: Envelope): string => `${JSON.stringify({ envelope: message }, null, 1)}\n`

test('captured mail is in the inbox, and nowhere else', async () => {
  const upstream = await startSmarthost()
  const { spool, inboxDirectory, facts } = rig(oneSmarthost(upstream.port))
  const content = contentOf(200_000)
  const message = envelope(content, { disposition: 'capture', forwardPaths: ['a@x.test', 'b@x.test'] })
  spool.put(message, content)
  await until('the message has left the queue', () => spool.stored.size === 0)
  expect(readdirSync(inboxDirectory).sort()).toEqual([`${message.queueId}.eml`, `${message.queueId}.json`])
  expect(readFileSync(join(inboxDirectory, `${message.queueId}.eml`)).equals(content)).toBe(true)
  expect(JSON.parse(readFileSync(join(inboxDirectory, `${message.queueId}.json`), 'utf8'))).toEqual({
    envelope: message,
  })
  expect(facts('captured')).toEqual([[message.queueId]])
  expect(facts('attempted')).toEqual([])
  expect(upstream.connections()).toBe(0)
})

test.each([
  ['nothing', []],
  ['a half-written file', ['eml.tmp']],
  ['the content', ['eml']],
  ['the content, and a half-written envelope', ['eml', 'json.tmp']],
  ['both', ['eml', 'json']],
])('a capture that was killed with %s in the folder is completed by the next one', async (_name, present) => {
  const directory = temporaryFolder()
  const spool = new MemorySpool()
  const message = envelope(hello)
  spool.put(message, hello)
  const whole: Record<string, string> = { eml: hello.toString(), json: 'as it was' }
  for (const ending of present) writeFileSync(join(directory, `${message.queueId}.${ending}`), whole[ending] ?? 'half')
  await capture(directory, spool, message, { octets: 0 })
  expect(readdirSync(directory).sort()).toEqual([`${message.queueId}.eml`, `${message.queueId}.json`])
  expect(readFileSync(join(directory, `${message.queueId}.eml`)).equals(hello)).toBe(true)
  const json = readFileSync(join(directory, `${message.queueId}.json`), 'utf8')
  expect(json).toBe(present.includes('json') ? 'as it was' : descriptionOf(message))
})

test('a content that has its own name already is neither written nor read again, also where an older version gave it two', async () => {
  const directory = temporaryFolder()
  const message = envelope(hello)
  const published = join(directory, `${message.queueId}.eml`)
  writeFileSync(published, hello)
  linkSync(published, `${published}.tmp`)
  const { ino, mtimeMs } = statSync(published)
  const content = () => {
    throw new Error('it is asked for again')
  }
  await capture(directory, { content }, message, { octets: 0 })
  expect(statSync(published)).toMatchObject({ ino, mtimeMs, nlink: 1 })
  expect(readFileSync(published).equals(hello)).toBe(true)
  expect(readdirSync(directory).sort()).toEqual([`${message.queueId}.eml`, `${message.queueId}.json`])
})

test.each([
  ['a pipe', (path: string) => execFileSync('mkfifo', [path])],
  ['a link to nowhere', (path: string) => symlinkSync('nowhere', path)],
])('%s with the name of the content is not taken for it, and the content takes its place', async (_what, make) => {
  const directory = temporaryFolder()
  const spool = new MemorySpool()
  const message = envelope(hello)
  spool.put(message, hello)
  make(join(directory, `${message.queueId}.eml`))
  await capture(directory, spool, message, { octets: 0 })
  expect(lstatSync(join(directory, `${message.queueId}.eml`)).isFile()).toBe(true)
  expect(readFileSync(join(directory, `${message.queueId}.eml`)).equals(hello)).toBe(true)
  expect(readdirSync(directory).sort()).toEqual([`${message.queueId}.eml`, `${message.queueId}.json`])
})

test('a folder with the name of the content is left as it is, and the message is not taken for captured', async () => {
  const directory = temporaryFolder()
  const spool = new MemorySpool()
  const message = envelope(hello)
  spool.put(message, hello)
  mkdirSync(join(directory, `${message.queueId}.eml`))
  await expect(capture(directory, spool, message, { octets: 0 })).rejects.toThrow(InboxError)
  expect(existsSync(join(directory, `${message.queueId}.json`))).toBe(false)
})

test('of a capture under way only what is not on the disk yet counts as room to come, and nothing of one that failed', async () => {
  const directory = temporaryFolder()
  const message = envelope(hello)
  const underway = { octets: 0 }
  const rest = Promise.withResolvers<Buffer>()
  const content = Readable.from(
    (async function* () {
      yield hello.subarray(0, 5)
      yield await rest.promise
    })(),
  )
  const failed = expect(capture(directory, { content: () => content }, message, underway)).rejects.toThrow('no more')
  const toCome = hello.length - 5 + descriptionOf(message).length
  await until('what came is written', () => underway.octets === toCome)
  rest.reject(new Error('no more'))
  await failed
  expect([underway.octets, readdirSync(directory), openFilesIn(directory)]).toEqual([0, [], []])
})

/** Where `fails` says so, a sync is refused. */
async function captureWhere(fails: (path: string | undefined, time: number) => boolean) {
  const directory = join(temporaryFolder(), 'inbox')
  let times = 0
  const unless = (path: string | undefined, act: () => Promise<void>): Promise<void> =>
    fails(path, ++times) ? Promise.reject(Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })) : act()
  const disk: Disk = {
    ...nodeDisk,
    async create(path) {
      const file = await nodeDisk.create(path)
      return { ...file, sync: () => unless(undefined, file.sync) }
    },
    syncDirectory: (path) => unless(path, () => nodeDisk.syncDirectory(path)),
  }
  const spool = new MemorySpool()
  const message = envelope(hello)
  spool.put(message, hello)
  const came = await capture(directory, spool, message, { octets: 0 }, disk).catch((error: unknown) => error)
  return { came, names: readdirSync(directory).map((name) => name.slice(message.queueId.length)) }
}

test.each<[string, (path: string | undefined, time: number) => boolean, readonly string[]]>([
  ['content', (_path, time) => time === 1, []],
  ['envelope', (_path, time) => time === 2, ['.eml']],
  ['name', (path) => path?.endsWith('/inbox') ?? false, ['.eml', '.json']],
  ['folder', (path) => path !== undefined && !path.endsWith('/inbox'), ['.eml', '.json']],
])('a message is not taken for captured before its %s is durable (case S10)', async (_what, fails, left) => {
  const { came, names } = await captureWhere(fails)
  expect(came).toBeInstanceOf(InboxError)
  expect(names).toEqual(left)
})

test('content that is shorter than what was accepted is not captured', async () => {
  const directory = temporaryFolder()
  const spool = new MemorySpool()
  const message = envelope(hello, { bytes: hello.length + 1 })
  spool.put(message, hello)
  await expect(capture(directory, spool, message, { octets: 0 })).rejects.toThrow(/octets/)
  expect(existsSync(join(directory, `${message.queueId}.eml`))).toBe(false)
})

test('a relay that ends waits for the captures under way, and begins no others', async () => {
  const spool = new MemorySpool()
  const open = Promise.withResolvers<void>()
  const of = spool.content.bind(spool)
  let asked = 0
  async function* slowly(queueId: string) {
    await open.promise
    yield* of(queueId)
  }
  spool.content = (queueId) => {
    asked += 1
    return Readable.from(slowly(queueId))
  }
  const { delivery, facts } = rig([], { spool })
  for (let n = 0; n < 40; n += 1) spool.put(envelope(hello, { disposition: 'capture' }), hello)
  await until('some are under way', () => asked === 16)
  let isClosed = false
  const closing = delivery.close(10_000).then(() => {
    isClosed = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(isClosed).toBe(false)
  open.resolve()
  await closing
  expect([asked, facts('captured').length, spool.stored.size]).toEqual([16, 16, 24])
})

test('while the inbox takes nothing, which is told once, messages wait and do not bounce, and they are captured when it takes them', async () => {
  const { spool, inboxDirectory, delivery, facts } = rig([])
  rmSync(inboxDirectory, { recursive: true })
  writeFileSync(inboxDirectory, 'a file in its place')
  const message = envelope(hello, { disposition: 'capture', acceptedAt: 0 })
  spool.put(message, hello)
  const large = contentOf(2000)
  spool.put(envelope(large, { disposition: 'capture' }), large)
  await until('the messages wait', () => delivery.summary().deferred === 2)
  expect(spool.stored.get(message.queueId)?.recipients).toMatchObject([{ state: 'pending' }])
  expect(facts('deferred')[0]?.at(-1)).toMatch(/^451 4\.3\.0 inbox: /)
  expect(facts('bounced')).toEqual([])
  expect([facts('unexpected'), facts('inboxFault')]).toEqual([[], [[expect.stringMatching(/^E[A-Z]+: /)]]])
  rmSync(inboxDirectory)
  await until('the messages are captured', () => spool.stored.size === 0)
  expect([facts('inboxFault').length, facts('inboxRecovered')]).toEqual([1, [[]]])
})

test('an inbox that takes small messages, and none as large as one that waits, is not told as mended, nor as failing anew', async () => {
  const { spool, inboxDirectory, facts, delivery } = rig([])
  const large = contentOf(2000)
  const waits = envelope(large, { disposition: 'capture' })
  // In the place of its content: as long as that is there, this message can not be published.
  mkdirSync(join(inboxDirectory, `${waits.queueId}.eml.tmp`))
  spool.put(waits, large)
  await until('the large message waits', () => delivery.summary().deferred === 1)
  spool.put(envelope(hello, { disposition: 'capture' }), hello)
  await until('the small message is captured', () => facts('captured').length === 1)
  expect([facts('inboxFault'), facts('inboxRecovered')]).toEqual([[[expect.stringMatching(/^EEXIST: /)]], []])
  rmdirSync(join(inboxDirectory, `${waits.queueId}.eml.tmp`))
  await until('the large message is captured', () => spool.stored.size === 0)
  expect([facts('inboxFault').length, facts('inboxRecovered')]).toEqual([1, [[]]])
})

describe.runIf(smallVolumesGiven())('on the volume of the spool (case S14)', () => {
  test.each([
    ['more room than there is', 2_000_000],
    ['all the room that there is', 1_040_000],
  ])('content that needs %s takes nothing of the room that removals need, and leaves nothing behind', async (_what, bytes) => {
    const directory = smallVolume('size=1m')
    const free = () => statfsSync(directory).bavail
    const before = free()
    const spool = new MemorySpool()
    const content = contentOf(bytes)
    const message = envelope(content, { disposition: 'capture' })
    spool.put(message, content)
    const inbox = join(directory, 'inbox')
    await expect(capture(inbox, spool, message, { octets: 0 })).rejects.toThrow('disk full')
    expect([readdirSync(inbox), free()]).toEqual([[], before])
  })

  test.each([
    ['the content under its temporary name', ['eml.tmp']],
    ['the content', ['eml']],
    ['the content, and a half-written envelope', ['eml', 'json.tmp']],
  ])('a capture that was killed with %s there is completed where there is no room for that twice', async (_what, present) => {
    const directory = smallVolume('size=2m')
    const inbox = join(directory, 'inbox')
    const spool = new MemorySpool()
    const content = contentOf(1_200_000)
    const message = envelope(content, { disposition: 'capture' })
    spool.put(message, content)
    mkdirSync(inbox)
    for (const ending of present)
      writeFileSync(
        join(inbox, `${message.queueId}.${ending}`),
        content.subarray(0, ending === 'json.tmp' ? 9 : content.length),
      )
    await capture(inbox, spool, message, { octets: 0 })
    expect(readdirSync(inbox).sort()).toEqual([`${message.queueId}.eml`, `${message.queueId}.json`])
    expect(readFileSync(join(inbox, `${message.queueId}.eml`)).equals(content)).toBe(true)
  })

  test('of many messages at once as many are captured as leave the room that removals need', async () => {
    const directory = smallVolume('size=2m')
    const inbox = join(directory, 'inbox')
    const spool = new MemorySpool()
    const underway = { octets: 0 }
    const captures = Array.from({ length: 8 }, () => {
      const content = contentOf(500_000)
      const message = envelope(content, { disposition: 'capture' })
      spool.put(message, content)
      return capture(inbox, spool, message, underway).catch((error: unknown) => String(error))
    })
    const came = await Promise.all(captures)
    expect(came.filter((why) => why === undefined)).toHaveLength(3)
    expect(came.filter((why) => why?.includes('disk full'))).toHaveLength(5)
    expect(readdirSync(inbox)).toHaveLength(6)
    expect(underway.octets).toBe(0)
  })

  test('mail for very many recipients, whose envelopes are larger than it, leaves the room that removals need', async () => {
    const directory = smallVolume('size=4m')
    leave(directory, 300_000)
    const spool = new MemorySpool()
    const underway = { octets: 0 }
    const forwardPaths = Array.from({ length: 1000 }, (_, n) => `${n}@${'long'.repeat(15)}.test`)
    const captures = Array.from({ length: 16 }, () => {
      const message = envelope(hello, { disposition: 'capture', forwardPaths })
      spool.put(message, hello)
      return capture(join(directory, 'inbox'), spool, message, underway).catch((error: unknown) => String(error))
    })
    const came = await Promise.all(captures)
    expect(came.filter((why) => why === undefined)).toHaveLength(1)
    expect(came.filter((why) => why?.includes('disk full'))).toHaveLength(15)
    expect(underway.octets).toBe(0)
  })

  test('the inbox takes none of the files that delivery may need (case R11)', async () => {
    const directory = smallVolume('size=8m,nr_inodes=40')
    const inbox = join(directory, 'inbox')
    const spool = new MemorySpool()
    const captureNext = async (): Promise<void> => {
      const message = envelope(hello, { disposition: 'capture' })
      spool.put(message, hello)
      await capture(inbox, spool, message, { octets: 0 })
    }
    const fill = async (): Promise<never> => {
      for (;;) await captureNext()
    }
    await expect(fill()).rejects.toThrow('disk full')
    expect(readdirSync(inbox).length).toBeGreaterThan(20)
    expect(statfsSync(directory).ffree).toBeGreaterThan(0)
  })

  test('half a message that finds the disk full is removed', async () => {
    const directory = smallVolume('size=1m')
    const inbox = join(directory, 'inbox')
    const spool = new MemorySpool()
    const content = contentOf(500_000)
    const message = envelope(content, { disposition: 'capture' })
    spool.put(message, content)
    async function* slowly() {
      yield content.subarray(0, 100_000)
      // Somebody else fills the volume first.
      fill(join(directory, 'other'))
      yield content.subarray(100_000)
    }
    const source = { content: () => Readable.from(slowly()) }
    await expect(capture(inbox, source, message, { octets: 0 })).rejects.toThrow('ENOSPC')
    expect(readdirSync(inbox)).toEqual([])
    rmSync(join(directory, 'other'))
    await capture(inbox, spool, message, { octets: 0 })
    expect(readFileSync(join(inbox, `${message.queueId}.eml`)).equals(content)).toBe(true)
  })
})
