/** Each state of a session meets each thing that can happen to a relay: whatever comes of that one message, nothing else is harmed. */
import { mkdirSync, readdirSync, readlinkSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type CredentialConfig, type RelayConfig, verifierOf } from '../../../relay/config.ts'
import { Held } from '../../../relay/inbound/held.ts'
import type { Allowances } from '../../../relay/limits/allowances.ts'
import { smallBytes } from '../../../relay/spool/incoming.ts'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { FailingDisk } from '../spool/failing-disk.ts'
import { listening } from '../spool/samples.ts'
import { app, baseConfig, certificateConfig, startSubmission, type UnderTest } from './submission-under-test.ts'

const withApp = (over: Partial<CredentialConfig>): RelayConfig => ({
  ...baseConfig,
  credentials: baseConfig.credentials.map((c) =>
    c.username === app.username ? { ...c, limits: { daily: 100, warnAt: 80 }, ...over } : c,
  ),
})
const base = withApp({})
const recipients = 2

/** A relay's receiving half with a spool on a real disk, which can be held up. */
async function started() {
  const directory = temporaryFolder()
  for (const folder of ['journal', 'large', 'quarantine']) mkdirSync(join(directory, folder))
  const disk = new FailingDisk()
  const spool = await JournalSpool.open({
    ...{ directory, disk: disk.disk, events: listening().events, now: Date.now, tryAgainMs: 20 },
    closed: () => {},
  })
  let aheadMs = 0
  const clock = {
    step: (ms: number): void => {
      aheadMs = ms
    },
  }
  const under = await startSubmission(spool, base, () => Date.now() + aheadMs)
  onTestFinished(async () => {
    await under.submission.close(0)
    await spool.close()
  })
  return { directory, disk, spool, clock, under }
}
type Relay = Awaited<ReturnType<typeof started>>

/** A client that hears each reply, also one that it did not ask for. */
class Client {
  readonly heard: number[] = []
  readonly raw: Socket
  #socket: Socket
  #taken = 0
  #rest = ''
  #isOver = false
  #news = (): void => {}

  constructor({ port }: UnderTest) {
    this.raw = createConnection({ port: port(), host: '127.0.0.1', allowHalfOpen: true })
    this.#socket = this.#listen(this.raw)
  }

  say(text: string): void {
    if (this.#socket.writable) this.#socket.write(text)
  }

  /** Ends its side. */
  end(): void {
    this.#socket.end()
  }

  secure(ca: string): void {
    this.raw.removeAllListeners('data')
    this.#socket = this.#listen(connectTls({ socket: this.raw, servername: 'localhost', ca }))
  }

  /** The next reply; undefined when the connection is over. */
  async next(): Promise<number | undefined> {
    while (this.#taken === this.heard.length && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#news = resolve
      })
    }
    return this.heard[this.#taken++]
  }

  #listen(socket: Socket): Socket {
    const over = (): void => {
      this.#isOver = true
      socket.end()
      this.#news()
    }
    return socket
      .on('data', (chunk: Buffer) => {
        const lines = (this.#rest + chunk.toString()).split('\r\n')
        this.#rest = lines.pop() ?? ''
        this.heard.push(...lines.filter((line) => line[3] === ' ').map((line) => Number(line.slice(0, 3))))
        this.#news()
      })
      .on('error', () => {})
      .on('end', over)
      .on('close', over)
  }
}

type Size = 'small' | 'large'
type Talk = { readonly client: Client; readonly relay: Relay; readonly size: Size }

const says =
  (text: string) =>
  ({ client }: Talk) => {
    client.say(text)
    return client.next()
  }
const text = { small: 'hi\r\n', large: `${'x'.repeat(76)}\r\n`.repeat(Math.ceil(smallBytes / 78) + 1) }

/** What a client does from its greeting to its end; each step returns the reply to it. */
const steps = {
  connects: ({ client }: Talk) => client.next(),
  'says EHLO': says('EHLO x\r\n'),
  'says STARTTLS': says('STARTTLS\r\n'),
  'says EHLO under TLS': (its: Talk) => {
    its.client.secure(its.relay.under.ca)
    return says('EHLO x\r\n')(its)
  },
  'begins to log in': says('AUTH PLAIN\r\n'),
  'logs in': says(`${Buffer.from(`\0${app.username}\0${app.password}`).toString('base64')}\r\n`),
  'says MAIL': says('MAIL FROM:<noreply@corp.example>\r\n'),
  'says RCPT': says('RCPT TO:<a@elsewhere.example>\r\n'),
  'says RCPT again': says('RCPT TO:<b@elsewhere.example>\r\n'),
  'says DATA': says('DATA\r\n'),
  'sends its content': async ({ client, relay, size }: Talk) => {
    client.say(`From: <noreply@corp.example>\r\n\r\n${text[size]}`)
    if (size === 'large') await until('it came', () => relay.disk.calls.includes('write large'))
    return 354
  },
  'sends its dot': says('.\r\n'),
  'says QUIT': says('QUIT\r\n'),
} as const
type Step = keyof typeof steps
const order = Object.keys(steps) as Step[]

/** The step before the event, which has its reply already, or for which the disk is waited for. */
type State = { readonly step: Step; readonly size?: Size; readonly waitsFor?: 'sync journal' | 'sync large' }
const states: Readonly<Record<string, State>> = {
  ...Object.fromEntries(order.slice(0, order.indexOf('sends its content')).map((step) => [step, { step }])),
  'sends its content': { step: 'sends its content', size: 'large' },
  'waits for a large content to be synced': { step: 'sends its dot', size: 'large', waitsFor: 'sync large' },
  'waits for its message to be committed': { step: 'sends its dot', waitsFor: 'sync journal' },
}

/** `refuses`: no message is taken that is not being committed at this moment. `goes`: the client goes on no more. */
type Event = {
  readonly comes: (relay: Relay, client: Client) => unknown
  readonly refuses?: boolean
  readonly goes?: boolean
}
const reload = (config: RelayConfig, refuses = true): Event => ({ comes: ({ under }) => under.apply(config), refuses })
const disk = (code: string, ...calls: readonly string[]): Event => ({
  comes: (relay) => calls.forEach((call) => void relay.disk.failing.set(call, code)),
  refuses: true,
})
const events: Readonly<Record<string, Event>> = {
  'the credential is removed': reload({ ...base, credentials: [] }),
  'the credential is suspended': reload(withApp({ suspended: true })),
  'its password is another one': reload(withApp({ keys: [{ id: 'k2', verifier: verifierOf('another-0123456789') }] })),
  'its domain is withdrawn': reload(withApp({ senders: [] })),
  'its daily limit is lowered': reload(withApp({ limits: { daily: 1, warnAt: 80 } })),
  'the recipients are allowed no more': reload({
    ...base,
    recipients: { mode: 'AllowList', domains: ['corp.example'], addresses: [] },
  }),
  'recipients per message are fewer': reload({ ...base, limits: { ...base.limits, recipientsPerMessage: 1 } }),
  'mail is captured': reload({ ...base, recipients: { ...base.recipients, mode: 'Capture' } }, false),
  'the fleet is suspended': reload({ ...base, suspended: true }),
  'the network is denied': reload({ ...base, networks: { allow: [], deny: ['127.0.0.0/8'] } }),
  'the listener is removed': reload({ ...base, listeners: base.listeners.slice(1) }, false),
  'certificates are required': reload({ ...base, listeners: certificateConfig('Required').listeners }),
  'the disk is full': disk('ENOSPC', 'write journal', 'sync journal', 'write large', 'sync large', 'create large'),
  'the disk fails': disk('EIO', 'sync journal', 'sync large'),
  'the disk is read-only': disk('EROFS', 'write journal', 'sync journal', 'create large', 'write large', 'sync large'),
  'the clock is set a day ahead': { comes: ({ clock }) => clock.step(86_400_000) },
  'the clock is set a day back': { comes: ({ clock }) => clock.step(-86_400_000) },
  'the relay is to leave': { comes: ({ under }) => under.submission.shut() },
  'the relay ends': { comes: ({ under }) => void under.submission.close(10_000) },
  'the client resets its connection': { comes: (_, client) => void client.raw.resetAndDestroy(), goes: true },
  'the client ends its side': { comes: (_, client) => client.end(), goes: true },
  'the client says QUIT': { comes: (_, client) => client.say('QUIT\r\n.\r\n'), goes: true },
}

/** Takes the steps up to the last one, or to a refusal; whether the message was taken. */
async function take(its: Talk, way: readonly Step[]): Promise<boolean> {
  let isTaken = false
  for (const step of way) {
    const code = await steps[step](its)
    if (step === 'sends its dot') isTaken = code === 250
    if (code === undefined || code >= 400) break
  }
  return isTaken
}

async function heardOut(client: Client): Promise<void> {
  client.say('QUIT\r\n')
  while ((await client.next()) !== undefined);
}

const sum = (metrics: string, name: string): number =>
  metrics
    .split('\n')
    .filter((line) => line.startsWith(name))
    .reduce((all, line) => all + Number(line.split(' ').at(-1)), 0)

/** Counts the octets that are held, by all that hold any. */
function watchedHeld(): () => number {
  let held = 0
  const { of } = Held.prototype
  const watching = vi.spyOn(Held.prototype, 'of').mockImplementation(function (this: Held, credential) {
    const share = of.call(this, credential)
    const change: typeof share.change = (before, bytes) => {
      held += bytes - before
      share.change(before, bytes)
    }
    return { ...share, change }
  })
  onTestFinished(() => watching.mockRestore())
  return () => held
}

/** Lets the event come in this state and the client go on; whether its message was acknowledged. */
async function meet(its: Talk, { step, waitsFor }: State, { comes, goes }: Event): Promise<boolean> {
  const { relay, client } = its
  const { disk } = relay
  const at = order.indexOf(step)
  if (waitsFor === undefined) {
    await take(its, order.slice(0, at + 1))
    await comes(relay, client)
    return goes ? false : take(its, order.slice(at + 1))
  }
  await take(its, order.slice(0, at))
  const gate = Promise.withResolvers<void>()
  disk.waiting.set(waitsFor, gate.promise)
  const asked = (): number => disk.calls.filter((call) => call === waitsFor).length
  const before = asked()
  const said = steps[step](its)
  await until('the disk is asked', () => asked() > before)
  await comes(relay, client)
  disk.waiting.clear()
  gate.resolve()
  return (await said) === 250
}

/** All is as before the event again. */
async function mended({ disk, clock, under, spool }: Relay): Promise<void> {
  disk.failing.clear()
  clock.step(0)
  await under.apply(base)
  under.submission.reopen()
  await until('the spool takes mail', () => spool.fault === undefined)
}

describe.each(Object.entries(states))('a client that %s', (_state, state) => {
  test.each(Object.entries(events))('while %s', async (_event, event) => {
    const held = watchedHeld()
    const relay = await started()
    const { directory, spool, under } = relay
    const counted = async (what: string): Promise<number> => sum(await under.metrics.registry.metrics(), what)
    const client = new Client(under)
    const isAcknowledged = await meet({ client, relay, size: state.size ?? 'small' }, state, event)
    await heardOut(client)
    if (event.refuses && state.waitsFor !== 'sync journal') expect(isAcknowledged).toBe(false)
    await until('no session is left', () => under.submission.sessions === 0)
    await until('nothing is held', () => held() === 0)
    if (!event.goes) {
      const refused = client.heard.filter((code) => code >= 400).length
      expect(await counted('relayfleet_smtpd_refusals_total{'), 'each refusal counts once').toBe(refused)
      expect(spool.size, 'what was acknowledged is there, and nothing else').toBe(isAcknowledged ? 1 : 0)
    }

    await mended(relay)
    const before = spool.size
    const again = new Client(under)
    expect(await take({ client: again, relay, size: 'small' }, order), 'another client is served').toBe(true)
    await heardOut(again)
    await until('that one has left, too', () => under.submission.sessions === 0)
    expect(spool.size).toBe(before + 1)
    expect((under.allowances as Allowances).standing('apps/app').own).toBe(recipients * spool.size)
    expect(under.told.filter(({ msg }) => msg === 'accepted')).toHaveLength(spool.size)
    expect(await counted('relayfleet_smtpd_messages_total{result="accepted"')).toBe(spool.size)
    expect(under.told.filter(({ msg }) => msg === 'unexpected')).toEqual([])
    const large = join(directory, 'large')
    await until(
      'the files are those of mail',
      () => readdirSync(large).length === (state.size === 'large' ? before : 0),
    )
    expect(openIn(large)).toEqual([])
  })
})

const openIn = (folder: string): readonly string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    const file = target(`/proc/self/fd/${fd}`)
    return file.startsWith(folder) ? [file] : []
  })

/** Empty for the descriptor by which the folder itself was read, which is closed by now. */
function target(link: string): string {
  try {
    return readlinkSync(link)
  } catch {
    return ''
  }
}
