/** One side of an SMTP connection: sends, and gives each stage the one answer that belongs to it. */

import type { Socket } from 'node:net'
import { Alarm } from '../alarm.ts'
import { wholeTurn } from '../whole-turn.ts'
import { type Answer, brief, cleaned, none, quotation, type WireReply } from './answer.ts'
import { ReplyParser } from './reply-parser.ts'
import type { Deadlines, Stage } from './stage.ts'
import { certificateRequired, inWords } from './tls-words.ts'

type Waiting = {
  readonly stages: readonly Stage[]
  readonly answers: Answer[]
  readonly resolve: (answers: readonly Answer[]) => void
  /** Something of an answer was there before all that asks for it had left. */
  early: boolean
}

/**
 * Invariant: while nothing is outstanding no octet of a reply is there either; one that is breaks the wire, so no reply
 * can be taken for the answer to a later command. What has broken the wire once is the answer to everything after it.
 */
export class Wire {
  readonly #socket: Socket
  readonly #parser = new ReplyParser()
  #waiting: Waiting | undefined
  /** The last exchange, also when it has been answered. */
  #asked: Waiting | undefined
  #broken: Answer | undefined
  #unasked: readonly Answer[] = []
  /** Since the last whole reply, or since QUIT. */
  #reads = 0
  #drained: (() => void) | undefined
  /** How long the stage under way may take. */
  #patienceMs = 0
  readonly #timer = new Alarm(() => this.#break(this.#tooLate()))
  /** The next piece of the content is waited for: it is the disk that is silent then, and not the peer. */
  #reading = false
  /** Of the transaction under way, up to its final dot. */
  #limitMs = 0
  readonly #limit = new Alarm(() =>
    this.#break(none('endless', `no end of the transaction within ${Math.round(this.#limitMs / 1000)} s`)),
  )
  /** Exchanges whose octets have not left this process: that of the commands may still be one when the content follows. */
  #leaving = 0
  /** In force from the next stage on. */
  deadlines: Deadlines
  /** Masks what nobody may see in all that is read, also where it is no reply: it may be our own line, sent back. */
  clean: ((text: string) => string) | undefined
  /** Told once, when nothing can be said any more. */
  onBroken: () => void = () => {}

  constructor(socket: Socket, deadlines: Deadlines) {
    this.#socket = socket
    this.deadlines = deadlines
    socket.on('data', this.#onData)
    socket.on('drain', this.#onDrain)
    socket.on('error', this.#onError)
    socket.on('end', this.#onClose)
    socket.on('close', this.#onClose)
  }

  get broken(): Answer | undefined {
    return this.#broken
  }

  /** The reply that nobody asked for, and that broke the wire, and all that came with it. */
  get unasked(): readonly Answer[] {
    return this.#unasked
  }

  /** Sends and waits for one answer to each stage, in their order; ends early with the answer that is no reply. */
  exchange(octets: string | Buffer, stages: readonly Stage[]): Promise<readonly Answer[]> {
    const answers = this.#expect(stages)
    if (this.#broken === undefined && octets.length > 0) {
      this.#leaving++
      this.#socket.write(octets, this.#onLeft)
    }
    return answers
  }

  /** Limits the whole, since each reply may come just in time. For a thin line, each 1,000 octets of the content add a second. */
  beginTransaction(octets: number): void {
    // Its alarms have ended: one that is set anew would hold it, and the process, until it rings.
    if (this.#broken !== undefined) return
    this.#limitMs = this.deadlines.transaction + octets
    this.#limit.set(this.#limitMs)
  }

  /** Called before the final dot, or where there is none: the answer to it may be a yes, and has a deadline of its own. */
  endTransaction(): void {
    this.#limit.unset()
  }

  /** The answers to the last exchange began before its end had left: the peer began them without having seen that. */
  get beganEarly(): boolean {
    return this.#asked?.early === true
  }

  /** False while octets of the last exchange have not left this process: the peer cannot have seen its end. */
  get hasLeft(): boolean {
    return this.#leaving === 0
  }

  /** The same one round of the loop later: TLS tells no earlier that they have left, and a near peer answers within it. */
  async hasLeftByNow(): Promise<boolean> {
    await new Promise(setImmediate)
    return this.hasLeft
  }

  /**
   * Sends content without its final dot. Resolves with undefined when all of it was sent and nothing was answered; else with
   * what came early, and the rest stays unsent. What came with a reset is read before the next write, which would lose it.
   */
  async stream(chunks: AsyncIterable<Buffer>): Promise<Answer | undefined> {
    const early = this.#expect(['content'])
    this.#reading = true
    for await (const chunk of chunks) {
      this.#reading = false
      // To Node's TLS over a stream of ours (under-handshake.ts) no octets are a write under way, and where it has to answer what the
      // peer sends meanwhile, an assertion ends the process.
      if (chunk.length === 0) continue
      await wholeTurn()
      if (this.#waiting === undefined) break
      this.#arm('content')
      if (!this.#socket.write(chunk)) await this.#drain()
      if (this.#waiting === undefined) break
      this.#arm('content')
      this.#reading = true
    }
    this.#reading = false
    if (this.#waiting === undefined) return (await early)[0]
    this.#settle()
    return this.#broken
  }

  /** Gives the socket away for a TLS handshake; the wire is used no more. */
  detach(): Socket {
    this.#timer.end()
    this.#limit.end()
    this.#socket.off('data', this.#onData)
    this.#socket.off('drain', this.#onDrain)
    this.#socket.off('error', this.#onError)
    this.#socket.off('end', this.#onClose)
    this.#socket.off('close', this.#onClose)
    this.#socket.on('error', () => {})
    return this.#socket
  }

  /** Says QUIT and leaves; whatever is answered changes nothing (RFC 5321 section 4.1.1.10). */
  quit(): void {
    if (this.#broken === undefined) {
      this.#reads = 0
      this.#socket.end('QUIT\r\n')
      this.#socket.unref()
      setTimeout(() => this.#socket.destroy(), quitMs).unref()
    }
    this.#break(none('lost', 'we closed the connection'), false)
  }

  /** We end it. That counts as silence of the peer, which has not left and may have had more to say. */
  destroy(why: string): void {
    this.#break(none('silent', why))
  }

  #expect(stages: readonly Stage[]): Promise<readonly Answer[]> {
    if (this.#broken !== undefined) return Promise.resolve([this.#broken])
    return new Promise((resolve) => {
      this.#waiting = { stages, answers: [], resolve, early: false }
      this.#asked = this.#waiting
      this.#arm(stages[0] ?? 'dot')
    })
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#reads++
    if (this.#broken !== undefined) {
      if (this.#reads > mostReadsBehindQuit) this.#socket.destroy()
      return
    }
    if (this.#waiting !== undefined && this.#leaving > 0) void this.#noteBeginning(this.#waiting)
    this.#parser.push(chunk)
    for (;;) {
      const answer = this.#parser.next(this.clean)
      if (answer === undefined) break
      this.#take(answer)
      if (this.#broken !== undefined) return
    }
    if (this.#waiting === undefined) this.#refuseUnasked()
    else if (this.#reads > mostReads) this.#break(none('malformed', 'a reply in too many pieces'))
  }

  #take(read: Answer): void {
    this.#reads = 0
    const answer = this.#meant(read)
    if (this.#waiting === undefined || answer.kind === 'none') {
      this.#unasked = this.#withRest(answer)
      this.#break(answer.kind === 'none' ? answer : unaskedBy(answer.reply))
      return
    }
    const { stages, answers } = this.#waiting
    // That to EHLO is needed whole, and only once.
    answers.push(stages[answers.length] === 'EHLO' ? answer : brief(answer))
    const next = stages[answers.length]
    if (next === undefined) this.#settle()
    else this.#arm(next)
  }

  /** 221 is the end of the session, whatever was asked: to all but QUIT it is no yes. */
  #meant(read: Answer): Answer {
    const said = this.clean === undefined ? read : cleaned(read, this.clean)
    const isBye = said.kind === 'reply' && said.reply.code === 221
    return isBye && this.#waiting?.stages[0] !== 'QUIT' ? endedBy(said.reply) : said
  }

  /** With all that are here behind it, up to what is no reply. */
  #withRest(first: Answer): readonly Answer[] {
    const all = [first]
    while (all.at(-1)?.kind === 'reply') {
      const next = this.#parser.next(this.clean)
      if (next === undefined) break
      all.push(this.#meant(next))
    }
    return all
  }

  /** Everything is answered: what has already begun to arrive belongs to nothing. */
  #settle(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    this.#timer.unset()
    this.#onDrain()
    this.#refuseUnasked()
    waiting?.resolve(waiting.answers)
  }

  #refuseUnasked(): void {
    if (this.#parser.idle) return
    const answer = this.#parser.next(this.clean)
    if (answer === undefined) this.#break(none('malformed', unasked))
    else this.#take(answer)
  }

  #arm(stage: Stage): void {
    this.#patienceMs = this.deadlines[stage]
    this.#timer.set(this.#patienceMs)
  }

  #tooLate(): Answer {
    const within = `within ${this.#patienceMs / 1000} s`
    return this.#reading
      ? none('unreadable', `the next octets of the content were not read ${within}`)
      : none('silent', `no answer ${within}`)
  }

  #drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve
    })
  }

  readonly #onDrain = (): void => {
    this.#drained?.()
    this.#drained = undefined
  }

  /** Looks a whole turn later, since a socket tells late that octets have left: what came in time must not count as early. */
  async #noteBeginning(asked: Waiting): Promise<void> {
    await wholeTurn()
    if (this.#leaving > 0) asked.early = true
  }

  readonly #onLeft = (error?: Error | null): void => {
    if (!error) this.#leaving--
  }

  readonly #onClose = (): void => this.#break(none('lost', 'the connection was closed'))
  readonly #onError = (error: NodeJS.ErrnoException): void => {
    const { code, message } = error
    this.#break(
      code === certificateRequired
        ? none('insecure', `no TLS with it: ${inWords(error)}`)
        : none('lost', `the connection was lost (${code ?? message})`),
    )
  }

  #break(why: Answer, destroy = true): void {
    if (this.#broken !== undefined) return
    this.#broken = why
    const waiting = this.#waiting
    this.#waiting = undefined
    this.#timer.end()
    this.#limit.end()
    if (destroy) this.#socket.destroy()
    this.#onDrain()
    waiting?.answers.push(why)
    waiting?.resolve(waiting.answers)
    this.onBroken()
  }
}

const quitMs = 5000
/** Under TLS each octet may be a record, and so a read, of its own: a reply of 256 KB would take the loop for more than a second. */
const mostReads = 1000
/** Whatever is answered is waited for only so that the peer can take its leave. */
const mostReadsBehindQuit = 100
const endedBy = (reply: WireReply): Answer => none('lost', `the session was ended by ${quotation(reply)}`)
const unasked = 'a reply that no command asked for'
/**
 * 421 is said at any time, asked or not (RFC 5321 section 3.8): Postfix has it right behind one refusal too many. It is the answer to
 * whatever is asked next.
 */
const unaskedBy = (reply: WireReply): Answer =>
  reply.code === 421 ? { kind: 'reply', reply } : none('malformed', `${unasked}: ${quotation(reply)}`)
