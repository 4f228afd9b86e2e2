/**
 * A next hop that misbehaves by chance, at any step: it refuses for now, closes, is slow, or takes a message without saying so.
 * It remembers what it took. With `trouble` 0, it refuses only what is refused for good: recipients that begin with `bad.`.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { marksIn } from './load-message.ts'

export type Taken = {
  readonly id: string
  readonly digest: string
  readonly reversePath: string
  readonly forwardPaths: readonly string[]
  readonly content: string
  /** Whether the relay was answered that the message is kept. */
  readonly said: boolean
}

export type Mood = {
  readonly random: () => number
  /** In how many of a hundred answers something goes wrong. */
  trouble: number
}

const unmarked = { id: '', digest: '' } as const
const endOfData = '\r\n.\r\n'
const forNow = ['451 4.3.2 not now', '450 4.2.0 greylisted', '452 4.2.2 full', '421 4.3.2 going down'] as const
/** What may go wrong at a step; refusals for now are three times as likely as each other trouble. */
const troubles = ['for now', 'for now', 'for now', 'close', 'reset', 'slow'] as const

export class FickleHop {
  readonly taken: Taken[] = []
  readonly #mood: Mood
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  port = 0

  constructor(mood: Mood) {
    this.#mood = mood
  }

  /** Listens, at the port that it had before if it was started before. */
  async start(): Promise<void> {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => undefined)
      void new Visit(socket, this.#mood, (taken) => this.taken.push(taken)).serve()
    })
    this.#server.listen(this.port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.port = (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const socket of this.#sockets) socket.resetAndDestroy()
    if (server) await new Promise((resolve) => server.close(resolve))
  }
}

class Visit {
  readonly #socket: Socket
  readonly #mood: Mood
  readonly #take: (taken: Taken) => void
  #rest = ''
  #came: (() => void) | undefined
  #ended = false
  #reversePath = ''
  #forwardPaths: string[] = []

  constructor(socket: Socket, mood: Mood, take: (taken: Taken) => void) {
    this.#socket = socket.setNoDelay(true).setEncoding('latin1')
    this.#mood = mood
    this.#take = take
    socket.on('data', (text: string) => {
      this.#rest += text
      this.#came?.()
    })
    socket.on('close', () => {
      this.#ended = true
      this.#came?.()
    })
  }

  async serve(): Promise<void> {
    let goesOn = await this.#say('220 fickle.test ESMTP')
    while (goesOn) {
      const line = await this.#until('\r\n')
      goesOn = line !== undefined && (await this.#obey(line))
    }
    this.#socket.end()
  }

  /** Answers one command. Returns whether the session goes on. */
  async #obey(line: string): Promise<boolean> {
    const path = /<(.*?)>/.exec(line)?.[1] ?? ''
    switch (line.slice(0, 4).toUpperCase()) {
      case 'EHLO':
        return this.#say(`250-fickle.test\r\n${this.#chance(70) ? '250-PIPELINING\r\n' : ''}250 8BITMIME`)
      case 'MAIL':
        this.#reversePath = path
        this.#forwardPaths = []
        return this.#say('250 2.1.0 ok')
      case 'RCPT':
        if (path.startsWith('bad.')) return this.#plainly('550 5.1.1 no such mailbox')
        return this.#say('250 2.1.5 ok', () => this.#forwardPaths.push(path))
      case 'DATA':
        if (this.#forwardPaths.length === 0) return this.#plainly('554 5.5.1 no valid recipients')
        return this.#content()
      case 'QUIT':
        await this.#plainly('221 2.0.0 bye')
        return false
      default:
        return this.#plainly('250 2.0.0 ok')
    }
  }

  async #content(): Promise<boolean> {
    let isIn = false
    const goesOn = await this.#say('354 go on', () => {
      isIn = true
    })
    if (!isIn) return goesOn
    const stuffed = await this.#until(endOfData)
    if (stuffed === undefined) return false
    const content = `${stuffed}\r\n`.replaceAll('\r\n.', '\r\n')
    const facts = {
      reversePath: this.#reversePath,
      forwardPaths: this.#forwardPaths,
      content,
      ...(marksIn(content) ?? unmarked),
    }
    const says = (said: boolean) => () => this.#take({ ...facts, said })
    if (!this.#chance(this.#mood.trouble / 4)) return this.#say('250 2.0.0 kept', says(true))
    says(false)()
    this.#socket.resetAndDestroy()
    return false
  }

  async #plainly(reply: string): Promise<boolean> {
    this.#socket.write(`${reply}\r\n`)
    return !this.#ended
  }

  /** Says `reply` and calls `meant`; or by chance makes trouble instead, and then `meant` is called only if it is slowness. */
  async #say(reply: string, meant = (): unknown => undefined): Promise<boolean> {
    const trouble = this.#chance(this.#mood.trouble) ? this.#one(troubles) : 'none'
    switch (trouble) {
      case 'for now': {
        const said = this.#one(forNow)
        await this.#plainly(said)
        return !said.startsWith('421')
      }
      case 'close':
        return false
      case 'reset':
        this.#socket.resetAndDestroy()
        return false
      case 'slow':
        await sleep(this.#mood.random() * 700)
        break
      case 'none':
        break
    }
    meant()
    return this.#plainly(reply)
  }

  /** The text before the next `end`, or undefined if the connection ends first. */
  async #until(end: string): Promise<string | undefined> {
    for (let at = this.#rest.indexOf(end); ; at = this.#rest.indexOf(end)) {
      if (at !== -1) {
        const before = this.#rest.slice(0, at)
        this.#rest = this.#rest.slice(at + end.length)
        return before
      }
      if (this.#ended) return undefined
      await new Promise<void>((resolve) => {
        this.#came = resolve
      })
    }
  }

  #chance(ofHundred: number): boolean {
    return this.#mood.random() * 100 < ofHundred
  }

  #one<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#mood.random() * choices.length)] as T
  }
}
