/**
 * A store of limits of a test's own, which goes by the test's clock and fails as it is told. It speaks what a relay asks of a Redis, and
 * counts as decision 0046 has it: each relay says how many it has accepted itself, and the store adds up.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { Bucket } from './ledger-model.ts'

const dayMs = 86_400_000
const lines = (...said: readonly string[]): string => said.map((one) => `${one}\r\n`).join('')
const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}`

/** What the last answer to a relay said of one count. */
export type Heard = { readonly day: number; readonly total: number; readonly own: number; readonly at: number }

/** What becomes of the next question that counts a message. */
export type Trouble =
  | { readonly kind: 'held' }
  /** No answer comes; `isCounted`: it was lost on its way back. */
  | { readonly kind: 'silent'; readonly isCounted: boolean }
  | { readonly kind: 'lies'; readonly lie: Lie }
export const lies = ['another nonce', 'no verdict', 'one verdict more', 'no number', 'an error'] as const
export type Lie = (typeof lies)[number]

type Asked = {
  readonly nonce: string
  readonly name: string
  readonly relay: string
  readonly day: number
  readonly own: number
  readonly isCertain: boolean
  readonly daily: number
  readonly intervalMs: number
  readonly burst: number
  readonly messages: readonly number[]
}
type Told = {
  readonly day: number
  readonly own: number
  readonly total: number
  readonly owedMs: number
  readonly verdicts: readonly string[]
}

export class PlainStore {
  readonly #now: () => number
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  readonly #heard = new Map<string, Heard>()
  readonly #buckets = new Map<string, Bucket>()
  #counts = new Map<string, Map<string, number>>()
  #lastDay = 0
  /** How many questions have come, beats among them. */
  asked = 0
  #epoch = 0
  isAway = false
  trouble: Trouble | undefined
  /** The last answer that never came was that a message may pass. */
  hasLost = false
  /** Sends the answer that is held up. */
  #held: (() => void) | undefined

  private constructor(now: () => number) {
    this.#now = now
    // As a Redis does: else an answer may wait for the acknowledgement of the one before it, while no question is under way.
    this.#server = createServer({ noDelay: true }, (socket) => this.#take(socket))
  }

  static async open(now: () => number): Promise<PlainStore> {
    const store = new PlainStore(now)
    await new Promise<void>((resolve) => store.#server.listen(0, '127.0.0.1', resolve))
    return store
  }

  get port(): number {
    const address = this.#server.address()
    return address !== null && typeof address === 'object' ? address.port : 0
  }

  /** A question waits for its answer. */
  get isAsked(): boolean {
    return this.#held !== undefined
  }

  release(): void {
    this.#held?.()
    this.#held = undefined
  }

  /** What it has told this relay last, if that was today. */
  heard(relay: string, name: string): Heard | undefined {
    const heard = this.#heard.get(`${relay} ${name}`)
    return heard?.day === this.day ? heard : undefined
  }

  known(relay: string, name: string): number {
    this.day
    return this.#counts.get(name)?.get(relay) ?? 0
  }

  /** Loses all that it knows. */
  forget(): void {
    this.#counts.clear()
    this.#buckets.clear()
    this.#epoch++
  }

  /** Each connection ends, and while it is away no other one is taken. */
  drop(): void {
    this.#held = undefined
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.drop()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** The day by its clock; what it knew of the one before is gone. */
  get day(): number {
    const day = Math.floor(this.#now() / dayMs)
    if (day !== this.#lastDay) {
      this.#counts = new Map()
      this.#epoch++
    }
    this.#lastDay = day
    return day
  }

  #take(socket: Socket): void {
    if (this.isAway) {
      socket.destroy()
      return
    }
    this.#sockets.add(socket)
    let rest = ''
    socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
    socket.on('data', (octets) => {
      rest += octets.toString('latin1')
      for (let read = wordsIn(rest); read !== undefined; read = wordsIn(rest)) {
        rest = rest.slice(read.length)
        this.#answer(read.words, (said) => void socket.write(said))
      }
    })
  }

  #answer(words: readonly string[], say: (said: string) => void): void {
    const [command] = words
    this.asked++
    if (command === 'EVALSHA') this.#judge(readQuestion(words), say)
    else say(command === 'HMGET' ? lines('*2', bulk(`${this.day}`), bulk(`e${this.#epoch}`)) : '+OK\r\n')
  }

  #judge(asked: Asked, say: (said: string) => void): void {
    const { trouble } = this
    const isMessage = asked.name !== '' && asked.messages.some((count) => count > 0)
    if (isMessage) this.trouble = undefined
    if (!isMessage || trouble === undefined) {
      say(this.#answerTo(asked))
      return
    }
    switch (trouble.kind) {
      case 'held': {
        const answer = this.#answerTo(asked)
        this.#held = () => say(answer)
        return
      }
      case 'silent':
        // Of a relay that it has told nothing yet on this day, it would go on to believe the larger count.
        this.hasLost =
          trouble.isCounted && asked.isCertain && asked.day === this.day && this.#count(asked).verdicts.includes('yes')
        this.#held = () => {}
        return
      case 'lies':
        say(lied(trouble.lie, asked, this.#printed(asked, this.#count(asked, false))))
    }
  }

  #answerTo(asked: Asked): string {
    const told = this.#count(asked)
    const { day, total, own } = told
    if (asked.name !== '') this.#heard.set(`${asked.relay} ${asked.name}`, { day, total, own, at: this.#now() })
    return this.#printed(asked, told)
  }

  #printed({ nonce }: Asked, { day, own, total, owedMs, verdicts }: Told): string {
    const rest = (day + 1) * dayMs - this.#now()
    const figures = [own, total, Math.round(owedMs * 1000)].map((figure) => bulk(`${figure}`))
    return lines(
      '*8',
      bulk(nonce),
      `:${day}`,
      bulk(`e${this.#epoch}`),
      `:${rest}`,
      ...figures,
      `*${verdicts.length}`,
      ...verdicts.map(bulk),
    )
  }

  #count({ name, relay, day: said, own, isCertain, daily, intervalMs, burst, messages }: Asked, isKept = true): Told {
    const day = this.day
    const known = this.known(relay, name)
    const relays = new Map(this.#counts.get(name))
    relays.set(relay, said === day && isCertain ? own : said >= day ? Math.max(known, own) : known)
    const bucket = (this.#buckets.get(name) ?? new Bucket(burst, intervalMs, this.#now())).copy()
    const total = (): number => [...relays.values()].reduce((a, b) => a + b, 0)
    const verdicts = messages.map((count) => {
      if (daily >= 0 && total() + count > daily) return `daily ${daily - total()}`
      if (intervalMs > 0 && count > burst) return 'rate never'
      if (intervalMs > 0 && !bucket.has(count, this.#now()))
        return `rate ${Math.ceil(bucket.waitMs(count, this.#now()))}`
      bucket.take(count, this.#now())
      relays.set(relay, Math.max(0, (relays.get(relay) ?? 0) + count))
      return 'yes'
    })
    if (isKept && name !== '') {
      this.#counts.set(name, relays)
      if (intervalMs > 0) this.#buckets.set(name, bucket)
    }
    return {
      day,
      own: relays.get(relay) ?? 0,
      total: total(),
      owedMs: intervalMs > 0 ? bucket.owedMs(this.#now()) : 0,
      verdicts,
    }
  }
}

function lied(lie: Lie, asked: Asked, truth: string): string {
  switch (lie) {
    case 'another nonce':
      return truth.replaceAll(asked.nonce, asked.nonce.toUpperCase().split('').toReversed().join(''))
    case 'no verdict':
      return truth.replace(/\*\d+\r\n\$\d+\r\n[^\r]*\r\n$/, '*0\r\n')
    case 'one verdict more':
      return truth.replace(/\*1\r\n(\$\d+\r\n[^\r]*\r\n)$/, '*2\r\n$1$1')
    case 'no number':
      return truth.replace(/\r\n:\d+\r\n/, '\r\n+today\r\n')
    case 'an error':
      return '-LOADING it is not there yet\r\n'
  }
}

function readQuestion(words: readonly string[]): Asked {
  const [nonce = '', name = '', relay = '', day, own, certain, daily, intervalUs, burst, ...messages] = words.slice(5)
  return {
    ...{ nonce, name, relay, day: Number(day), own: Number(own), isCertain: certain === '1', daily: Number(daily) },
    ...{ intervalMs: Number(intervalUs) / 1000, burst: Number(burst), messages: messages.map(Number) },
  }
}

/** The first whole command, and how many octets it has; undefined where not all of one has come. */
function wordsIn(octets: string): { readonly words: readonly string[]; readonly length: number } | undefined {
  const head = /^\*(\d+)\r\n/.exec(octets)
  if (head === null) return undefined
  const words: string[] = []
  let at = head[0].length
  while (words.length < Number(head[1])) {
    const [mark, length] = /^\$(\d+)\r\n/.exec(octets.slice(at)) ?? []
    if (mark === undefined) return undefined
    at += mark.length
    const end = at + Number(length)
    if (octets.length < end + 2) return undefined
    words.push(octets.slice(at, end))
    at = end + 2
  }
  return { words, length: at }
}
