/** Hosts without a network, for fake timers: each one treats mail by its mood at that moment, and remembers what it took. */
import { Duplex } from 'node:stream'
import { none } from '../../../relay/delivery/answer.ts'
import type { connectTo } from '../../../relay/delivery/connect.ts'

type Stage = 'banner' | 'EHLO' | 'MAIL' | 'RCPT' | 'DATA' | 'dot' | 'RSET'
/** Returns a reply, or undefined for the usual one. `taken`: how many recipients the transaction has by now. */
type Saying = (path: string, time: number, taken: number) => string | undefined
const silence = 'silence'
/** The host closes the connection without a reply. */
const leaves = ''

const usual: Readonly<Record<Stage, string>> = {
  banner: '220 toy ESMTP',
  EHLO: '250-toy\r\n250 SIZE',
  MAIL: '250 2.1.0 ok',
  RCPT: '250 2.1.5 ok',
  DATA: '354 go on',
  dot: '250 2.0.0 queued',
  RSET: '250 2.0.0 ok',
}
const pipelining = '250-toy\r\n250 PIPELINING'
/** These take one command after the other. */
const inLockstep: ReadonlySet<string> = new Set(['h2', 'mx1.test'])
/** So long a host that is forgetful keeps a connection on which nothing is said, in milliseconds. */
const forgetfulAfterMs = 800
const verbs: ReadonlySet<string> = new Set(['EHLO', 'MAIL', 'RCPT', 'DATA', 'RSET', 'QUIT'])

const toP =
  (says: string): Saying =>
  (path) =>
    path.startsWith('p') ? says : undefined

/** The replies of each mood that are not the usual ones; after a 421, the host closes the connection. */
const sayings = {
  healthy: {},
  dead: {},
  'black hole': {},
  slow: {},
  mute: { banner: silence },
  busy: { banner: '421 4.3.2 too busy' },
  closed: { banner: '554 5.7.1 not for you' },
  alone: {},
  leaving: { MAIL: '421 4.3.2 shutting down' },
  throttling: { MAIL: '454 4.7.0 Throttling failure: Maximum sending rate exceeded' },
  'throttling some': { RCPT: toP('450 4.7.1 too much mail from you') },
  'for one message': { RSET: '421 4.4.2 one message for each connection' },
  forgetful: {},
  'for one recipient': { RCPT: (_path, _time, taken) => (taken > 0 ? '452 4.5.3 too many recipients' : undefined) },
  full: { MAIL: '452 4.3.1 Insufficient system storage' },
  refusing: { MAIL: '550 5.7.1 not from you' },
  greylisting: { RCPT: (_, time) => (time < 2 ? '450 4.2.0 greylisted' : undefined) },
  picky: { RCPT: toP('550 5.1.1 no such user') },
  touchy: { RCPT: toP('421 4.7.0 no such user, and good bye') },
  cutting: { RCPT: leaves },
  hanging: { DATA: silence },
  late: { dot: '451 4.3.0 try again' },
  'out of order': { DATA: '250 2.0.0 what?' },
  'refusing content': { dot: '554 5.6.0 not such a message' },
  'lost and taken': { dot: leaves },
  'lost and not taken': { dot: leaves },
} as const satisfies Readonly<Record<string, Partial<Record<Stage, string | Saying>>>>
export type Mood = keyof typeof sayings
export const moods = Object.keys(sayings) as readonly Mood[]

export type Copy = { readonly queueId: string; readonly forwardPaths: readonly string[] }

/** A content that came, whatever is answered. `mailAt`: when its transaction began; `lateMs`: so long that may have been under way. */
export type Sent = Copy & {
  readonly host: string
  readonly mailAt: number
  readonly lateMs: number
  readonly content: string
  readonly isTaken: boolean
}

/** One end of a connection: what is written to it can be read at the other end. */
class End extends Duplex {
  readonly remoteAddress = '192.0.2.1'
  other: End | undefined
  override _read(): void {}
  override _write(chunk: Buffer, _: string, done: () => void): void {
    if (this.other?.destroyed === false) this.other.push(chunk)
    process.nextTick(done)
  }
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    process.nextTick(() => this.other?.destroyed === false && this.other.push(null))
    done(error)
  }
  override _final(done: () => void): void {
    if (this.other?.destroyed === false) this.other.push(null)
    done()
  }
  unref(): this {
    return this
  }
}

export class ToyHosts {
  readonly #dice: () => number
  /** The mood of each host; a host without one is healthy. */
  readonly moods = new Map<string, Mood>()
  readonly copies: Copy[] = []
  readonly #sessions = new Set<Session>()
  readonly #dialled = new Map<object, string>()
  readonly #times = new Map<string, number>()
  /** Counts everything that happens here. */
  deeds = 0
  onDialled: (host: string) => void = () => {}
  onConnected: (host: string) => void = () => {}
  /** A transaction has begun. `lateMs`: for so long it may have been under way before. */
  onMail: (host: string, lateMs: number) => void = () => {}
  onContent: (sent: Sent) => void = () => {}
  /** Something was said that is no command. */
  onNonsense: (host: string, line: string) => void = () => {}

  constructor(dice: () => number) {
    this.#dice = dice
  }

  open(host: string): number {
    return [...this.#sessions].filter((one) => one.host === host).length
  }

  /** The number of open connections to all hosts. */
  get allOpen(): number {
    return this.#sessions.size
  }

  /** How many connections to hosts whose name begins so are being dialled, or wait for a reply. */
  inUse(name: string): number {
    const dialled = [...this.#dialled.values()].filter((host) => host.startsWith(name)).length
    return dialled + [...this.#sessions].filter(({ host, owes }) => host.startsWith(name) && owes > 0).length
  }

  /** How many transactions with exchangers wait for a reply, of those whose first recipient is of this domain. */
  transactions(domain: string): number {
    return [...this.#sessions].filter((one) => one.host.startsWith('mx') && one.domain === domain && one.owes > 0)
      .length
  }

  mood(host: string): Mood {
    return this.moods.get(host) ?? 'healthy'
  }

  said(host: string, stage: Stage, path: string, taken = 0): string {
    this.deeds++
    const usually = stage === 'EHLO' && !inLockstep.has(host) ? pipelining : usual[stage]
    const saying = (sayings[this.mood(host)] as Partial<Record<Stage, string | Saying>>)[stage] ?? usually
    if (typeof saying === 'string') return saying
    const time = this.#times.get(`${host} ${path}`) ?? 0
    this.#times.set(`${host} ${path}`, time + 1)
    return saying(path, time, taken) ?? usually
  }

  /** Ends all connections, as when the relay is killed. Returns what is taken all the same: its answer was still to come. */
  cut(): readonly Copy[] {
    const taken: Copy[] = []
    for (const { copy, end } of this.#sessions) {
      if (copy !== undefined && this.#dice() < 0.5) taken.push(copy)
      end.destroy()
    }
    this.copies.push(...taken)
    return taken
  }

  latencyMs(host: string): number {
    return this.mood(host) === 'slow' ? 500 + 4000 * this.#dice() : 5 + 10 * this.#dice()
  }

  readonly connectTo: typeof connectTo = ({ host, deadlineMs, signal }) =>
    new Promise((resolve) => {
      const ended = (result: End | ReturnType<typeof none>): void => {
        this.deeds++
        clearTimeout(timer)
        signal.removeEventListener('abort', abort)
        this.#dialled.delete(ended)
        resolve(result as never)
      }
      const abort = (): void => ended(none('lost', 'we closed the connection'))
      const mood = this.mood(host)
      const isThere = mood !== 'dead' && mood !== 'black hole'
      const timer = setTimeout(
        () => ended(isThere ? this.#connect(host) : none('unreachable', `${host} is ${mood}`)),
        mood === 'black hole' ? deadlineMs : this.latencyMs(host),
      )
      this.#dialled.set(ended, host)
      this.onDialled(host)
      signal.addEventListener('abort', abort)
      if (signal.aborted) abort()
    })

  #connect(host: string): End {
    const [ours, theirs] = [new End(), new End()]
    ours.other = theirs
    theirs.other = ours
    const session = new Session(this, host, theirs)
    this.#sessions.add(session)
    theirs.on('close', () => {
      this.deeds++
      this.#sessions.delete(session)
    })
    if (this.mood(host) === 'alone' && this.open(host) > 1) session.say('421 4.7.0 too many connections')
    else session.say(this.said(host, 'banner', ''))
    this.onConnected(host)
    return ours
  }
}

class Session {
  readonly host: string
  readonly end: End
  /** What it has been sent and will take, while its answer is still to come. */
  copy: Copy | undefined
  readonly #hosts: ToyHosts
  #idle: NodeJS.Timeout | undefined
  /** How many replies it has not sent yet. */
  owes = 0
  #text = ''
  /** The accepted recipients; undefined before MAIL. */
  #forwardPaths: string[] | undefined
  /** Of the first of them, until the content is answered. */
  domain: string | undefined
  #mailAt = 0
  #inContent = false
  #last: Promise<void> = Promise.resolve()

  constructor(hosts: ToyHosts, host: string, end: End) {
    this.#hosts = hosts
    this.host = host
    this.end = end
    end.on('close', () => clearTimeout(this.#idle))
    end.on('data', (chunk: Buffer) => {
      hosts.deeds++
      clearTimeout(this.#idle)
      this.#text += chunk.toString('latin1')
      while (this.#take());
    })
    end.on('end', () => end.destroy())
  }

  /** Sends replies one after the other, each after the host's latency. */
  say(reply: string, then: () => void = () => {}): void {
    this.owes++
    if (reply === silence) return
    this.#last = this.#last.then(async () => {
      await new Promise((resolve) => setTimeout(resolve, this.#hosts.latencyMs(this.host)))
      this.#hosts.deeds++
      if (this.end.destroyed) return
      this.owes--
      then()
      if (reply !== leaves) this.end.write(`${reply}\r\n`)
      if (reply === leaves || reply.startsWith('421')) this.end.end()
    })
  }

  #take(): boolean {
    const mark = this.#inContent ? '\r\n.\r\n' : '\r\n'
    const at = this.#text.indexOf(mark)
    if (at < 0) return false
    const taken = this.#text.slice(0, at)
    this.#text = this.#text.slice(at + mark.length)
    if (this.#inContent) this.#onContent(taken)
    else this.#onLine(taken)
    return true
  }

  #onLine(line: string): void {
    const [, verb = '', path = ''] = /^(\w+)[^<]*<?([^>]*)/.exec(line) ?? []
    if (!verbs.has(verb)) this.#hosts.onNonsense(this.host, line)
    if (verb === 'QUIT') return void this.end.destroy()
    if (verb === 'MAIL') {
      this.#mailAt = Date.now()
      this.#hosts.onMail(this.host, this.#lateMs)
    }
    const reply = this.#replyTo(verb as Stage, path)
    if (verb === 'MAIL' || verb === 'RSET') this.#endTransaction()
    if (verb === 'MAIL' && reply.startsWith('2')) this.#forwardPaths = []
    if (verb === 'RCPT' && reply.startsWith('2')) {
      this.#forwardPaths?.push(path)
      this.domain ??= path.slice(path.indexOf('@') + 1)
    }
    if (verb === 'DATA') this.#inContent = reply.startsWith('354')
    this.say(reply)
  }

  get #lateMs(): number {
    return inLockstep.has(this.host) ? 5000 : 0
  }

  #endTransaction(): void {
    this.#forwardPaths = undefined
    this.domain = undefined
  }

  #replyTo(verb: Stage, path: string): string {
    const isInSequence = verb === 'RCPT' ? this.#forwardPaths : verb !== 'DATA' || this.#forwardPaths?.length
    if (!isInSequence) return '503 5.5.1 bad sequence of commands'
    return this.#hosts.said(this.host, verb, path, this.#forwardPaths?.length)
  }

  #onContent(content: string): void {
    this.#inContent = false
    const [, queueId = ''] = /^Message-ID: <(\w+)@/m.exec(content) ?? []
    const copy = { queueId, forwardPaths: this.#forwardPaths ?? [] }
    this.#forwardPaths = undefined
    const reply = this.#hosts.said(this.host, 'dot', '')
    const isTaken = reply.startsWith('2') || this.#hosts.mood(this.host) === 'lost and taken'
    if (isTaken) this.copy = copy
    this.#hosts.onContent({ ...copy, content, isTaken, host: this.host, mailAt: this.#mailAt, lateMs: this.#lateMs })
    this.say(reply, () => {
      this.copy = undefined
      this.domain = undefined
      if (isTaken) this.#hosts.copies.push(copy)
      if (this.#hosts.mood(this.host) === 'forgetful') this.#idle = setTimeout(() => this.#forget(), forgetfulAfterMs)
    })
  }

  #forget(): void {
    if (this.owes === 0) this.say('421 4.4.2 idle for too long')
  }
}
