/** One session from its greeting to its end: asks the stages, remembers what they decided, and tells the events. */
import { Alarm } from '../alarm.ts'
import type { Stage } from '../events.ts'
import type { Envelope } from '../mail/envelope.ts'
import { type Reply, reply } from '../mail/reply.ts'
import { type Refusal, refusal } from '../mail/rule.ts'
import type { Owner } from '../turns.ts'
import { authOutOfPlace, logIn } from './auth.ts'
import { canLogInByCertificate, certificateLacking, certificateShown } from './client-certificate.ts'
import { ClientFaults } from './client-faults.ts'
import { admit } from './connect.ts'
import { openReception, type Reception } from './data.ts'
import { helloLines, readHello } from './hello.ts'
import type { Decision, Inbound } from './inbound.ts'
import { acceptanceCostMs, contentPace } from './limits.ts'
import { mailFrom } from './mail-from.ts'
import { OwnFaults } from './own-faults.ts'
import { Patience } from './pace.ts'
import { pathIn } from './path-line.ts'
import { protocol } from './protocol.ts'
import { rcptTo } from './rcpt-to.ts'
import { Recipients } from './recipients.ts'
import { beginSasl, failureChallenge, type Mechanism, mechanismIn, mechanismsOffered, type SaslStep } from './sasl.ts'
import { factsOf, newSession, type Session, type Transaction } from './session.ts'
import type { Verb } from './verbs.ts'

/** The connection under a conversation. A reply with 421 ends it. */
export type Line = {
  /** Says this out of turn, and ends the connection. */
  hangUp(last: Reply): void
  /** Ends the connection at once, or when its transaction is over. */
  drain(): void
  destroy(): void
}

export type AuthAnswer =
  | { readonly kind: 'challenge'; readonly challenge: string; readonly next: (line: string) => AuthAnswer }
  | { readonly kind: 'reply'; readonly reply: Reply }

const tookTooLong = refusal('admission.limits.transactionTime')
const tooSlowly = refusal('always.idle', 'the content comes too slowly')

const reversePathAccepted = reply(250, '1.0', 'reverse-path accepted')
const forwardPathAccepted = reply(250, '1.5', 'forward-path accepted')

export class Conversation {
  readonly #inbound: Inbound
  readonly #session: Session
  readonly #line: Line
  readonly #ended: () => void
  readonly #ownFaults = new OwnFaults()
  readonly #clientFaults = new ClientFaults()
  /** Whose turn is waited for, once it has logged in. */
  #credential: Owner | undefined
  #reception: Reception | undefined
  readonly #patience = new Patience(contentPace, () => this.#giveUpOn(tooSlowly))
  /** Of a transaction. */
  readonly #deadline = new Alarm(() => this.#giveUpOn(tookTooLong))
  #settling = false
  #hungUp = false
  /** Nothing that has to follow MAIL can be done until there is another one. */
  #mailRefused = false

  constructor(inbound: Inbound, who: Pick<Session, 'id' | 'listener' | 'client'>, line: Line, ended: () => void) {
    this.#inbound = inbound
    this.#session = newSession(who)
    this.#line = line
    this.#ended = ended
    inbound.presence.enter(this.#session.origin)
  }

  get hostname(): string {
    return this.#config.hostname
  }

  /** The client has said EHLO or HELO, under TLS again. */
  get greeted(): boolean {
    return this.#session.helo !== ''
  }

  /** Nothing would be lost if the connection ended now. */
  get idle(): boolean {
    return !this.#session.transaction && !this.#settling
  }

  /** Nobody has lately logged in from where it comes. */
  get isOfStranger(): boolean {
    return this.#owner().rank === 'stranger'
  }

  /** Does this when it is this session's turn; `laterMs` is what it will take after it has returned. */
  inTurn(work: () => void, laterMs = 0): void {
    this.#inbound.turns.take(this.#owner(), work, laterMs)
  }

  /** A refusal, or undefined when the client is to be greeted. */
  connect(): Reply | undefined {
    this.#inbound.events.connected(factsOf(this.#session))
    return this.#sentAway()
  }

  /** Before TLS, for a client that begins with it: whether it is sent away, which can not be said to it in clear. */
  unwanted(): boolean {
    return this.#sentAway() !== undefined
  }

  #sentAway(): Reply | undefined {
    const refused = admit(this.#inbound, this.#session)
    return refused && this.refuse('connect', refused)
  }

  /** Under TLS everything begins anew (RFC 3207 section 4.2). */
  secured(tls: string, certificate?: Session['certificate']): void {
    this.reset()
    this.#session.tls = tls
    this.#session.certificate = certificate
    this.#session.helo = ''
    this.#session.login = undefined
    this.#credential = undefined
  }

  /** The reply that ends the session instead of carrying this command out, where the session is spent. */
  command({ name, fate }: Verb): Reply | undefined {
    const isIdle = fate === 'idle'
    if (isIdle) this.#clientFaults.idled()
    if (this.#clientFaults.areTooMany) return this.refuse('connect', refusal('always.errors'))
    // Postfix asks a connection that it keeps by RSET whether it still serves; told at MAIL, its message would wait for minutes.
    const isUsedUp = this.#session.messages >= this.#config.limits.messagesPerConnection
    if (isIdle && isUsedUp) return this.refuse('connect', refusal('admission.limits.messagesPerConnection'))
    // RFC 3207 section 4.1: what is negotiated is too little, and all that is left to say is QUIT.
    const lacking =
      this.#session.tls === '' || name === 'QUIT' ? undefined : certificateLacking(this.#inbound, this.#session)
    return lacking && this.refuse('connect', lacking)
  }

  hello(line: string): { readonly host: string; readonly lines: readonly string[] } | Reply {
    const read = readHello(line)
    if ('refusal' in read) return this.refuse('connect', read.refusal)
    this.reset()
    this.#session.helo = read.host
    const {
      hostname,
      limits: { messageBytes },
      tokens,
    } = this.#config
    const certificate = canLogInByCertificate(this.#inbound, this.#session)
    const mechanisms = mechanismsOffered({ tokens: tokens !== undefined, certificate })
    return { host: read.host, lines: helloLines(this.#session, { hostname, messageBytes, mechanisms }) }
  }

  auth(line: string): AuthAnswer {
    const refused = authOutOfPlace(this.#session)
    if (refused?.rule === 'always.tlsBeforeAuth') {
      // A password may have been sent in clear: that is a failed login to be seen, not only a wrong order.
      this.#inbound.events.authFailed(factsOf(this.#session), mechanismIn(line), 'plaintext', refused)
      return { kind: 'reply', reply: this.#lastWord(refused, 'auth', false) }
    }
    // Where certificates are asked for, who comes by one that is not taken is told why.
    const takes = { tokens: this.#config.tokens !== undefined, certificate: this.#session.certificate !== undefined }
    return this.#authStep(refused ? { kind: 'refused', refusal: refused } : beginSasl(line, takes))
  }

  /** When this session may begin its next message; undefined: at once. */
  room(): Promise<void> | undefined {
    return this.#credential && this.#inbound.headroom.enter(this.#credential)
  }

  mailFrom(line: string): Reply {
    const stranger = this.#logInUnasked()
    if (stranger) return stranger
    const decision = mailFrom(this.#inbound, this.#session, line)
    this.#tellAudited('mail', decision, line)
    this.#mailRefused = decision.kind === 'refused'
    if (decision.kind === 'refused') return this.refuse('mail', decision.refusal, pathIn(line))
    this.#session.transaction = {
      ...decision.value,
      recipients: new Recipients(this.#inbound.held.of(this.#session.login?.credential ?? '')),
      refusedPaths: 0,
      startedAt: performance.now(),
    }
    this.#deadline.set(this.#config.limits.transactionMs)
    return reversePathAccepted
  }

  rcptTo(line: string): Reply {
    const decision = rcptTo(this.#inbound, this.#session, line)
    const { transaction } = this.#session
    this.#tellAudited('rcpt', decision, line)
    if (decision.kind === 'refused') {
      if (transaction) transaction.refusedPaths++
      return this.refuse('rcpt', decision.refusal, pathIn(line))
    }
    const { path, form } = decision.value
    if (transaction?.recipients.add(path, form) === false) this.#clientFaults.repeated()
    return forwardPathAccepted
  }

  /** A refusal, which is told when it is said, or undefined when the client is to send its content. */
  async data(): Promise<Refusal | undefined> {
    const decision = await openReception(this.#inbound, this.#session)
    if (decision.kind === 'refused') return decision.refusal
    this.#reception = decision.value
    this.#patience.begin()
    return undefined
  }

  /** The client was told to send its content. */
  awaitContent(): void {
    this.#patience.wait()
  }

  /** A promise where the next octets are not to be taken yet. */
  content(octets: Buffer): Promise<void> | undefined {
    this.#patience.came(octets.length)
    const taken = this.#reception?.take(octets)
    if (taken !== undefined) return taken.then(() => this.awaitContent())
    this.awaitContent()
    return undefined
  }

  /** The reply after the final dot; undefined when the content belongs to nothing any more. */
  contentEnded(): Promise<Reply> | undefined {
    this.#patience.end()
    const reception = this.#reception
    const { transaction } = this.#session
    // Who was told that it came too late may send it again: it is not ours as well, though a write may just have returned.
    if (!reception || !transaction || this.#hungUp) return undefined
    // From here the message may become ours: neither the deadline nor a lost client stops it.
    this.#settling = true
    this.#reception = undefined
    this.#endTransaction()
    return this.#settle(reception, transaction)
  }

  /** Forgets a content that was to come and does not. */
  async abandon(): Promise<void> {
    this.#patience.over()
    const reception = this.#reception
    this.#reception = undefined
    await reception?.abort()
  }

  reset(): void {
    this.#endTransaction()
  }

  /** The reply to give for a refusal: it is told, counted, and may be one too many. */
  refuse(stage: Stage, refused: Refusal, address?: string): Reply {
    const follows = this.#followsRefusal(refused)
    const { said, hasLine } = this.#ownFaults.see(refused, stage, follows)
    this.#inbound.events.refused(factsOf(this.#session), stage, said, address, hasLine)
    return this.#lastWord(said, stage, follows)
  }

  /** Of a refusal that is told: it may be one too many, which is told, too. */
  #lastWord(said: Refusal, stage: Stage, follows: boolean): Reply {
    const final = this.#clientFaults.count(said, stage, follows)
    if (final !== said) this.#inbound.events.refused(factsOf(this.#session), stage, final)
    return final.reply
  }

  /** An error of ours: the reply to give for it. */
  broken(error: unknown): Reply {
    this.#inbound.events.unexpected('submission', error)
    return this.refuse('connect', refusal('always.unavailable'))
  }

  /** The connection ends by our last word: nothing more is taken, and nothing is lost without one. */
  over(): void {
    this.#hungUp = true
  }

  /** `why` tells of a connection that failed; without it a transaction that was open is told all the same. */
  closed(why?: string): void {
    if (!this.#hungUp && (why !== undefined || this.#session.transaction)) {
      this.#inbound.events.abandoned(factsOf(this.#session), why ?? 'connection lost in a transaction')
    }
    this.#ownFaults.end((times) => this.#inbound.events.refusedMoreOften(factsOf(this.#session), times))
    this.#endTransaction()
    this.#deadline.end()
    this.#inbound.presence.leave(this.#session.origin)
    this.#ended()
  }

  #owner(): Owner {
    const { origin } = this.#session
    const isKnown = this.#credential === undefined && this.#inbound.acquaintances.has(origin)
    return this.#credential ?? { rank: isKnown ? 'known' : 'stranger', name: origin }
  }

  get #config() {
    return this.#inbound.inForce().config
  }

  #authStep(step: SaslStep): AuthAnswer {
    switch (step.kind) {
      case 'challenge':
        return { ...step, next: (line) => this.#authStep(step.next(line)) }
      case 'refused':
        return { kind: 'reply', reply: this.refuse('auth', step.refusal) }
      case 'credentials':
        return explained(step.mechanism, this.#logIn(step))
      case 'external':
        return { kind: 'reply', reply: this.#logIn(step) }
    }
  }

  /** A client that has shown a certificate and begins to send has said who it is: many never say AUTH then. */
  #logInUnasked(): Reply | undefined {
    const { login, certificate } = this.#session
    if (login || certificate === undefined || certificate === 'absent') return undefined
    const said = this.#logIn({ kind: 'external', mechanism: 'EXTERNAL', username: '' })
    return said.code === 235 ? undefined : said
  }

  #logIn(step: SaslStep & { readonly kind: 'credentials' | 'external' }): Reply {
    const { events } = this.#inbound
    const decision = logIn(this.#inbound, this.#session, step)
    if (decision.kind === 'accepted') {
      this.#session.login = decision.login
      this.#credential = { rank: 'credential', name: decision.login.credential }
      this.#inbound.acquaintances.loggedIn(this.#session.origin)
      events.authenticated(factsOf(this.#session), step.mechanism, decision.login.credential, decision.key)
      return reply(235, '7.0', 'authenticated')
    }
    this.#session.failedLogins++
    const { credential } = decision
    const facts = {
      ...factsOf(this.#session),
      ...(credential !== undefined && { credential }),
      ...(step.kind === 'external' && certificateShown(this.#session)),
    }
    events.authFailed(facts, step.mechanism, decision.reason, decision.refusal)
    if (decision.locks) {
      this.#inbound.acquaintances.lockedOut(this.#session.origin)
      events.lockedOut(factsOf(this.#session), this.#config.authFailures.lockoutMs)
    }
    return decision.refusal.reply
  }

  #accepted(envelope: Envelope, startedAt: number): Reply {
    this.#ownFaults.accepted()
    this.#clientFaults.accepted()
    this.#session.messages++
    this.#inbound.events.accepted(factsOf(this.#session), envelope, (performance.now() - startedAt) / 1000)
    return reply(250, '0.0', `queued as ${envelope.queueId}`)
  }

  /** `line` is the one that names the address. */
  #tellAudited(stage: Stage, { audited }: Decision<unknown>, line?: string): void {
    for (const refused of audited)
      this.#inbound.events.audited(
        factsOf(this.#session),
        stage,
        refused,
        line === undefined ? undefined : pathIn(line),
      )
  }

  /** A client that pipelines has sent RCPT and DATA before it can know that MAIL, or each RCPT, is refused (RFC 2920 section 3.1). */
  #followsRefusal(refused: Refusal): boolean {
    const afterMail = refused === protocol.mailFirst && this.#mailRefused && this.#session.login !== undefined
    return afterMail || refused === protocol.noValidRecipients
  }

  /** One write of the disk makes many ours at once: each is answered in its turn. */
  async #settle(reception: Reception, { recipients, startedAt }: Transaction): Promise<Reply> {
    let decision: Decision<Envelope>
    try {
      decision = await reception.settle()
      const turn = this.#inbound.turns.turn(this.#owner(), acceptanceCostMs)
      if (turn !== undefined) await turn
    } finally {
      this.#settling = false
      recipients.letGo()
    }
    this.#tellAudited('data', decision)
    if (decision.kind === 'refused') return this.refuse('data', decision.refusal)
    return this.#accepted(decision.value, startedAt)
  }

  #giveUpOn(slow: Refusal): void {
    if (!this.#hungUp) this.#line.hangUp(this.refuse('data', slow))
  }

  #endTransaction(): void {
    this.#deadline.unset()
    if (!this.#settling) this.#session.transaction?.recipients.letGo()
    this.#session.transaction = undefined
    this.#mailRefused = false
  }
}

/** A login that failed for good, in the way of its mechanism; the failure is told and counted already. */
function explained(mechanism: Mechanism, said: Reply): AuthAnswer {
  const challenge = said.code === 535 ? failureChallenge(mechanism) : undefined
  const last = { kind: 'reply', reply: said } as const
  return challenge === undefined ? last : { kind: 'challenge', challenge, next: () => last }
}
