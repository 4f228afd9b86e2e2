/** A greeted connection to a smarthost: one mail transaction after the other (RFC 5321 section 3.3). */
import { type Answer, noAnswer, none } from './answer.ts'
import type { Capabilities } from './capabilities.ts'
import type { Content } from './content.ts'
import { DataEncoder } from './data-encoder.ts'
import type { Deadlines, Stage } from './stage.ts'
import type { Wire } from './wire.ts'

export type Mailing = {
  readonly reversePath: string
  readonly forwardPaths: readonly string[]
  /** The parameters of MAIL FROM, each with a space before it. */
  readonly parameters: string
  /** Likewise of RCPT, for each forward-path; undefined where nothing is asked. */
  readonly rcptParameters?: readonly string[] | undefined
  readonly content: Content
}

/** What was answered; `rcpt` has one answer for each forward-path unless MAIL was refused. */
export type Transaction = {
  readonly mail: Answer
  /** Replies are out of step: `mail` stands for all answers from MAIL to DATA, and which of them it came as is not known. */
  readonly inDoubt?: true
  readonly rcpt: readonly Answer[]
  readonly data?: Answer
  /** What came after 354 and before our final dot; then the dot was never sent. */
  readonly content?: Answer
  readonly dot?: Answer
}

type Chunks = Extract<Content, { kind: 'stream' }>['chunks']

export const isPositive = (answer: Answer): boolean =>
  answer.kind === 'reply' && answer.reply.code >= 200 && answer.reply.code < 300
const isRefusal = (answer: Answer): boolean => answer.kind === 'reply' && answer.reply.code >= 400
export const isFinal = (answer: Answer): boolean => answer.kind === 'reply' && answer.reply.code >= 500
const hasCode = (answer: Answer | undefined, code: number): boolean =>
  answer?.kind === 'reply' && answer.reply.code === code
const hasManyLines = (answer: Answer): boolean => answer.kind === 'reply' && answer.reply.lines.length > 1
const isBelow400 = (answer: Answer | undefined): boolean => answer?.kind === 'reply' && answer.reply.code < 400
/** A refusal and a yes right behind each other. 421 contradicts nothing: it ends the session, whatever came before it. */
const areAtOdds = (dot: Answer, behind: readonly Answer[]): boolean =>
  (isRefusal(dot) && behind.some(isBelow400)) ||
  (isPositive(dot) && behind.some((answer) => isRefusal(answer) && !hasCode(answer, 421)))
/** A 3yz reply, which only DATA is answered with, in the place of an earlier command's. */
const isEarly = (answer: Answer): boolean => isBelow400(answer) && !isPositive(answer)
/** It began to answer, and then said nothing more. */
const isCutShort = ({ data }: Transaction): boolean => data?.kind === 'none' && data.cause === 'silent'
/** A refused RSET says nothing of the message: only this connection is of no use. */
const notOfMail = (rset: Answer): Answer =>
  rset.kind === 'none' ? rset : none('lost', `RSET was answered ${rset.reply.code}`)
const rcptLine = (path: string, parameters = ''): string => `RCPT TO:<${path}>${parameters}\r\n`
/** These answers need no confirmation: DATA was not refused, or nobody would be given up by them. */
const isConfirmed = ({ mail, rcpt, data }: Transaction): boolean =>
  data?.kind !== 'reply' || isBelow400(data) || ![mail, ...rcpt, data].some(isFinal)

export class Client {
  readonly capabilities: Capabilities
  /** `TLSv1.3`, or empty without TLS. */
  readonly tls: string
  /** Of the smarthost, as it was connected to. */
  readonly address: string
  /** What failed, where TLS was tried and there is none. */
  readonly withoutTls: string | undefined
  /** It was kept open without a command, also where it was opened for mail that could not go over it: it may have ended meanwhile. */
  hasIdled = false
  /** Commands are said one after the other, whatever is offered. */
  inLockstep = false
  /** Of the commands of a batch some had no answer of their own: a server, or a proxy before it, offers PIPELINING and can not do it. */
  losesCommands = false
  readonly #wire: Wire
  readonly #helloName: string
  #transactions = 0
  /** A transaction may be open at the smarthost: the next one begins with RSET. */
  #unclean = false

  constructor(
    wire: Wire,
    helloName: string,
    capabilities: Capabilities,
    tls: string,
    address: string,
    withoutTls?: string,
  ) {
    this.#wire = wire
    this.#helloName = helloName
    this.capabilities = capabilities
    this.tls = tls
    this.address = address
    this.withoutTls = withoutTls
  }

  get usable(): boolean {
    return this.#wire.broken === undefined
  }

  get transactions(): number {
    return this.#transactions
  }

  /** How long each stage of the transactions to come may take. */
  waitFor(deadlines: Deadlines): void {
    this.#wire.deadlines = deadlines
  }

  onBroken(listener: () => void): void {
    this.#wire.onBroken = listener
  }

  quit(): void {
    this.#wire.quit()
  }

  destroy(why: string): void {
    this.#wire.destroy(why)
  }

  async transact(mailing: Mailing): Promise<Transaction> {
    this.#wire.beginTransaction(mailing.content.octets)
    try {
      const isBatch = this.capabilities.pipelining && !this.inLockstep
      const asked = await (isBatch ? this.#inOneBatch(mailing) : this.#inLockstep(mailing))
      this.#transactions++
      this.#unclean = true
      const doubt = this.#outOfStep(asked) ?? (isConfirmed(asked) ? undefined : await this.#unconfirmed(asked))
      if (isBatch && asked.mail.kind === 'reply') this.losesCommands ||= doubt !== undefined || isCutShort(asked)
      if (doubt) {
        this.destroy('replies are out of step')
        return { mail: doubt, inDoubt: true, rcpt: [] }
      }
      const wanted = isPositive(asked.mail) && asked.rcpt.some(isPositive)
      if (wanted && hasCode(asked.data, 354)) return await this.#send(asked, mailing.content)
      // The server may wait for a content that we do not send: only a new connection has a known state.
      if (isBelow400(asked.data)) this.destroy('DATA was answered out of order')
      return asked
    } finally {
      this.#wire.endTransaction()
    }
  }

  /**
   * What shows that replies are out of step, if anything does: with one too many, or too few, no answer is known to be for its
   * command, and no refusal may be believed. One too few moves the answer of DATA up to a recipient.
   */
  #outOfStep({ mail, rcpt, data }: Transaction): Answer | undefined {
    const early = isEarly(mail) ? mail : rcpt.find(isEarly)
    if (early?.kind === 'reply') return none('malformed', `answered ${early.reply.code} before DATA`)
    if (data?.kind !== 'reply') {
      // A silent server gave an answer too few, and may have given one too many before; one that has left has said all that it will.
      const isInDoubt = data?.cause === 'malformed' || (data?.cause !== 'lost' && [mail, ...rcpt].some(isFinal))
      return isInDoubt ? data : undefined
    }
    const { broken } = this.#wire
    const { code } = data.reply
    // A server that left right behind 354 gets no content; one that left behind a refusal has refused all the same.
    if (broken !== undefined && (code === 354 || (broken.kind === 'none' && broken.cause === 'malformed')))
      return broken
    return code < 400 && code !== 354 ? none('malformed', `DATA was answered ${code} out of order`) : undefined
  }

  /**
   * Makes sure of a refusal before anybody is given up by it. If one reply too many came before, what seems to refuse DATA was
   * said of the last recipient, and the answer to DATA is still to come: as that to RSET. So RSET has to be answered with 250,
   * unless the server leaves. If several came, RSET may get the 250 of a recipient: where somebody seems to be taken, EHLO is
   * said instead, which also resets (RFC 5321 section 4.1.4), and whose answer of several lines is like no other. Some have no
   * RSET, and some refuse a second EHLO: 221 is said to QUIT alone.
   */
  async #unconfirmed({ rcpt }: Transaction): Promise<Answer | undefined> {
    const byHello = this.capabilities.extensions > 0 && rcpt.some(isPositive)
    const reset = await (byHello ? this.#ask(`EHLO ${this.#helloName}\r\n`, 'EHLO') : this.#ask('RSET\r\n', 'RSET'))
    const isInStep = hasCode(reset, 250) && (!byHello || hasManyLines(reset))
    this.#unclean = !isInStep
    if (reset.kind === 'none') return reset.cause === 'lost' ? undefined : reset
    if (isInStep || hasCode(reset, 421)) {
      // Not used on: EHLO may end a login, and some servers delay their answer to each further one (Sendmail's MAXHELOCOMMANDS).
      if (byHello) this.quit()
      return undefined
    }
    if (isRefusal(reset) && (await this.#isBidGoodBye())) return undefined
    return none('malformed', `${byHello ? 'EHLO' : 'RSET'} was answered ${reset.reply.code} out of order`)
  }

  async #isBidGoodBye(): Promise<boolean> {
    const bye = await this.#ask('QUIT\r\n', 'QUIT')
    this.destroy('we have said QUIT')
    return hasCode(bye, 221)
  }

  /** One write and, most times, one read (RFC 2920). */
  async #inOneBatch({ reversePath, parameters, forwardPaths, rcptParameters }: Mailing): Promise<Transaction> {
    const first = this.#unclean ? 1 : 0
    const stages: Stage[] = this.#unclean ? ['RSET', 'MAIL'] : ['MAIL']
    let batch = this.#unclean ? 'RSET\r\n' : ''
    batch += `MAIL FROM:<${reversePath}>${parameters}\r\n`
    for (const [i, path] of forwardPaths.entries()) {
      batch += rcptLine(path, rcptParameters?.[i])
      stages.push('RCPT')
    }
    stages.push('DATA')
    const answers = await this.#wire.exchange(`${batch}DATA\r\n`, stages)
    // An answer that is no reply ended the conversation: it stands for all that were not given.
    const last = answers.at(-1) ?? noAnswer
    const rset = answers[0] ?? last
    if (first > 0 && !isPositive(rset)) return { mail: notOfMail(rset), rcpt: [] }
    return {
      mail: answers[first] ?? last,
      rcpt: forwardPaths.map((_, i) => answers[first + 1 + i] ?? last),
      data: answers[first + 1 + forwardPaths.length] ?? last,
    }
  }

  async #inLockstep({ reversePath, parameters, forwardPaths, rcptParameters }: Mailing): Promise<Transaction> {
    const rset = this.#unclean ? await this.#ask('RSET\r\n', 'RSET') : undefined
    if (rset !== undefined && !isPositive(rset)) return { mail: notOfMail(rset), rcpt: [] }
    const mail = await this.#ask(`MAIL FROM:<${reversePath}>${parameters}\r\n`, 'MAIL')
    const rcpt: Answer[] = []
    for (const [i, path] of (isPositive(mail) ? forwardPaths : []).entries())
      rcpt.push(await this.#ask(rcptLine(path, rcptParameters?.[i]), 'RCPT'))
    // If nobody was taken, DATA is only said to be refused: one reply too many before it shows in its answer, or in that to RSET.
    const asksForData = rcpt.some(isPositive) || [mail, ...rcpt].some(isFinal)
    return { mail, rcpt, ...(asksForData && { data: await this.#ask('DATA\r\n', 'DATA') }) }
  }

  async #ask(line: string, stage: Stage): Promise<Answer> {
    const [answer] = await this.#wire.exchange(line, [stage])
    return answer ?? noAnswer
  }

  #send(asked: Transaction, content: Content): Promise<Transaction> {
    return content.kind === 'whole' ? this.#end(asked, content.encoded) : this.#sendInChunks(asked, content.chunks)
  }

  async #sendInChunks(asked: Transaction, chunks: Chunks): Promise<Transaction> {
    const encoder = new DataEncoder()
    const early = await this.#stream(chunks(encoder))
    if (early === undefined) return this.#end(asked, encoder.end())
    this.destroy('the content was refused before its end')
    return { ...asked, content: early }
  }

  /** A fault of ours ends the connection without the final dot: nothing half sent is ever taken for a message. */
  async #stream(chunks: AsyncIterable<Buffer>): Promise<Answer | undefined> {
    try {
      return await this.#wire.stream(chunks)
    } catch (error) {
      return none('unreadable', error instanceof Error ? error.message : String(error))
    }
  }

  async #end(asked: Transaction, octets: Buffer): Promise<Transaction> {
    this.#wire.endTransaction()
    const [answer] = await this.#wire.exchange(octets, ['dot'])
    const dot = answer ?? noAnswer
    if (!this.#wire.hasLeft && !(await this.#wire.hasLeftByNow())) {
      // Its dot has not left this process: what is answered by now is no answer to the message.
      this.destroy('the content was answered before its end')
      return { ...asked, content: dot }
    }
    if (isPositive(dot) && this.#wire.beganEarly) {
      // The message may have been taken by now, but that is not what this reply says.
      this.destroy('the content was answered before its end')
      return { ...asked, dot: none('malformed', 'a reply that began before the final dot') }
    }
    // Either one of them is the answer, or each is for one recipient: nobody is given up, and nobody has it for sure.
    if (areAtOdds(dot, this.#wire.unasked)) return { ...asked, dot: none('malformed', 'a refusal and a yes at once') }
    if (isPositive(dot)) this.#unclean = false
    else if (isBelow400(dot)) this.destroy('the final dot was answered out of order')
    return { ...asked, dot }
  }
}
